"""bin/manage queue: how much is due, who works, what failed."""

from __future__ import annotations

import click
from redis.exceptions import RedisError

from console.commands.operator import Operator, pass_operator
from console.commands.printing import as_json_option, say, say_fields, say_json, say_rows
from console.failed_jobs import retry_jobs
from console.queue_view import queue_shape
from console.shapes import Shape


@click.group()
def queue() -> None:
    """What is due, and RQ's jobs."""


@queue.command()
@as_json_option
@pass_operator
def status(operator: Operator, *, as_json: bool) -> None:
    """Depth, oldest age, workers, failed jobs, each company's budget. Exit status 1 when Redis is away."""
    shape = queue_shape(operator.database, operator.redis, operator.budget)
    if as_json:
        say_json(shape)
    else:
        _tell(shape)
    if shape["workers"] is None:
        raise click.ClickException("Redis does not answer: jobs and workers can't be seen.")


def _tell(shape: Shape) -> None:
    workers, failed = shape["workers"], shape["failed_jobs"]
    say_fields(
        {
            "due expenses": shape["depth"]["expenses"],
            "waiting jobs": shape["depth"]["jobs"],
            "oldest (seconds)": shape["oldest_age_seconds"],
            "workers": None if workers is None else len(workers),
            "failed jobs": None if failed is None else len(failed),
        }
    )
    for rows, columns in (
        (
            shape["companies"],
            ("company", "due", "paused", "paused_why", "waiting_until", "sparing_until", "budget_left"),
        ),
        (workers, ("name", "queues", "state", "seen_at")),
        (failed, ("id", "queue", "job", "company", "failed_at", "error")),
    ):
        if rows:
            say("")
            say_rows(rows, columns, as_json=False, nothing="")


@queue.command()
@click.argument("job_ids", nargs=-1, metavar="JOB_ID…")
@click.option("--all", "everything", is_flag=True, help="Every failed job.")
@pass_operator
def retry(operator: Operator, job_ids: tuple[str, ...], *, everything: bool) -> None:
    """Put failed jobs back on their queues."""
    if bool(job_ids) == everything:
        raise click.UsageError("Name failed jobs, or give --all.")
    try:
        done = retry_jobs(operator.redis, list(job_ids))
    except RedisError as error:
        raise click.ClickException("Redis does not answer; nothing was put back.") from error
    say(f"Put back {len(done)}.")
