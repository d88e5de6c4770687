"""Fixtures that every test may use: a real Redis, real databases with the current tables, settings for them.

A test that asks for `database_url` runs once per kind of database; `--database` narrows that. Servers start
when the first test needs them and end with the run.
"""

from __future__ import annotations

import atexit
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from cryptography.fernet import Fernet
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from bin.embedded_redis import EmbeddedRedis
from settings import Settings, read_settings
from tests.services import PostgreSQL, migrate

KINDS = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database", choices=(*KINDS, "both"), default="both", help="kinds of database to test on"
    )


def pytest_configure(config: pytest.Config) -> None:
    # `kill` and time limits send SIGTERM: like Ctrl-C it ends the run, and the servers are stopped
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # the same examples in every run, however busy the machine: a failure is the change's, not the day's
    hypothesis_settings.register_profile(
        "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    hypothesis_settings.load_profile("steady")
    config.addinivalue_line("markers", "one_database: the kind of database does not matter here")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("database")
        kinds = KINDS if wanted == "both" else (wanted,)
        if metafunc.definition.get_closest_marker("one_database") is not None:
            kinds = kinds[:1]
        metafunc.parametrize("database_kind", kinds, indirect=True)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder with a short path (a socket's path has a limit) that other users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="relay-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server(server_folder: Path) -> Iterator[EmbeddedRedis]:
    """One Redis for the whole run. Don't freeze or stop this one: that is what `own_redis` is for."""
    server = EmbeddedRedis(server_folder / "redis")
    atexit.register(server.stop)
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The address of an empty Redis."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def own_redis(server_folder: Path) -> Iterator[EmbeddedRedis]:
    """A Redis for one test, which may flush, freeze (SIGSTOP) or end it."""
    with EmbeddedRedis(server_folder / uuid.uuid4().hex[:8]) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql(server_folder: Path) -> Iterator[PostgreSQL]:
    """One PostgreSQL for the whole run."""
    folder = server_folder / "postgresql"
    folder.mkdir()
    server = PostgreSQL(folder)
    atexit.register(server.stop)
    yield server
    server.stop()


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgresql`: the test runs once for each."""
    return str(request.param)


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    yield from _database(database_kind, request, tmp_path, template=None)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the current tables and no rows."""
    template: Callable[[str], str] = request.getfixturevalue("migrated")
    yield from _database(database_kind, request, tmp_path, template=template(database_kind))


@pytest.fixture(scope="session")
def migrated(request: pytest.FixtureRequest, server_folder: Path) -> Callable[[str], str]:
    """Gives a file (SQLite) or a database's name (PostgreSQL) with the current tables, to be copied."""
    made: dict[str, str] = {}

    def template(kind: str) -> str:
        if kind not in made:
            made[kind] = _make_template(kind, request, server_folder)
        return made[kind]

    return template


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings for development that name this test's database and Redis."""
    return read_settings(
        {
            "EXPENSE_RELAY_ENV": "development",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "a secret of the tests",
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        },
        root=tmp_path,
    )


def _make_template(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "sqlite":
        migrate(f"sqlite:///{folder / 'template.db'}")
        return str(folder / "template.db")
    server: PostgreSQL = request.getfixturevalue("postgresql")
    migrate(server.create("migrated"))
    return "migrated"


def _database(
    kind: str, request: pytest.FixtureRequest, folder: Path, *, template: str | None
) -> Iterator[str]:
    if kind == "sqlite":
        file = folder / "relay.db"
        if template:
            shutil.copyfile(template, file)
        yield f"sqlite:///{file}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = f"test_{uuid.uuid4().hex}"
    yield server.create(name, template=template or "template1")
    server.drop(name)
