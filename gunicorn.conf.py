"""How gunicorn serves `web`: threads, a socket per worker process, settings checked before anything starts.

Names are gunicorn's own: https://docs.gunicorn.org/en/stable/settings.html
"""

import os
import sys
from pathlib import Path
from typing import Any

from console.first_run import welcome
from errors import Problems
from models.database import Database
from serving import Worker
from settings import read_settings

try:
    _settings = read_settings(os.environ)
except Problems as problems:
    sys.exit(str(problems))

bind = f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency
worker_class = Worker
threads = 32  # callbacks wait for one commit together: more threads, fewer commits (docs/performance.md)
reuse_port = True  # else one worker process takes most of the kept-alive connections
backlog = 2048
keepalive = 15
timeout = 60
graceful_timeout = 20
limit_request_line = 8190  # an OAuth return carries long codes
# heartbeats go through a file: in memory, so that a slow disk does not look like a hung worker
worker_tmp_dir = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)  # noqa: S108
control_socket_disable = True  # nothing here is managed through it
accesslog = None  # query strings may carry codes and states; the application logs what matters
loglevel = "info" if _settings.log_level == "DEBUG" else _settings.log_level.lower()


def when_ready(_server: Any) -> None:
    """Once per start, however many processes serve: the link to the first admin, while there is none."""
    database = Database(_settings.database_url)
    words = welcome(database, public_url=_settings.public_url)
    database.engine.dispose()
    if words:
        print(words, file=sys.stderr, flush=True)  # noqa: T201
