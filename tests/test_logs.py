"""What is logged, and what never is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FAILING = """
import os, structlog
from logs import set_up_logging
from settings import read_settings
set_up_logging(read_settings(os.environ))
def act(token):
    raise ValueError("it went wrong")
try:
    act("er_" + "secret-token")
except ValueError as error:
    structlog.get_logger("test").error("bug", exc_info=error)
"""


def log_of(log_format: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", FAILING],
        cwd=ROOT,
        env={"EXPENSE_RELAY_ENV": "development", "LOG_FORMAT": log_format, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_tells_where_and_no_local_variable(log_format: str) -> None:
    text = log_of(log_format)
    assert "it went wrong" in text
    assert "act" in text
    assert "er_secret-token" not in text


def test_a_json_log_is_one_object_per_line() -> None:
    lines = log_of("json").strip().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["bug"]
