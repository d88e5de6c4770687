"""Logging, set up once per process: one event per line, JSON unless a person reads along.

Secrets never reach a log line: nothing logs headers, bodies or settings, and what libraries log below
WARNING is left out.
"""

from __future__ import annotations

import logging
import sys

import sentry_sdk
import structlog

from settings import Settings


def _no_locals() -> structlog.typing.ExceptionTransformer:
    """Tracebacks without local variables, which hold tokens and people's expenses."""
    return structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def set_up_logging(settings: Settings) -> None:
    """Sends structlog's events and the libraries' records to standard error in one form; and errors to
    Sentry when SENTRY_DSN is set."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    is_json = settings.log_format == "json"
    last: list[structlog.typing.Processor] = (
        [structlog.processors.ExceptionRenderer(_no_locals()), structlog.processors.JSONRenderer()]
        if is_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    if settings.sentry_dsn:
        sentry_sdk.init(
            settings.sentry_dsn,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
        )
    for noisy in ("urllib3", "rq.worker", "werkzeug", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
