"""One statement for many rows, without the price of building it each time: callbacks wait for it.

Building and compiling a statement takes longer than running it (docs/performance.md). PostgreSQL takes each
column as an array, so one text does for any number of rows; SQLite has no arrays, so it has one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Dialect,
    Select,
    Table,
    bindparam,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

MOST_ROWS = 100  # of one statement
INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

Values = dict[str, Any]


def insert_rows(
    session: Session, table: Table, constants: Callable[[], Values], finish: Callable[[Any], Any],
    rows: Sequence[Values],
) -> Any:  # fmt: skip
    """Inserts at most MOST_ROWS rows, which are alike in their keys, `constants` (values or SQL) in each.

    `finish` adds what follows the values: ON CONFLICT, RETURNING. Both must be plain functions of a module.
    """
    dialect = session.get_bind().dialect
    build = _from_arrays if dialect.name == "postgresql" else _from_values
    many = 1 if build is _from_arrays else len(rows)
    text, known, order = _compiled(dialect, build, table, constants, finish, tuple(rows[0]), many)
    if build is _from_arrays:
        return session.connection().exec_driver_sql(text, known | _columns(rows))
    values = known | {f"{name}_{n}": row[name] for n, row in enumerate(rows) for name in row}
    return session.connection().exec_driver_sql(text, tuple(values[name] for name in order))


def insert_from(table: Table, names: Sequence[str], rows: Select[Any], constants: Values) -> Any:
    """PostgreSQL's insert of what `rows` selects, the columns `names`, and of the same constants in each."""
    fixed: list[Any] = [
        v if isinstance(v, ClauseElement) else literal(v, table.c[n].type) for n, v in constants.items()
    ]
    return postgresql.insert(table).from_select([*names, *constants], rows.add_columns(*fixed))


def execute_many(session: Session, statement: Any, rows: Iterable[Values]) -> None:
    """Runs the statement for each row: those that are alike in their keys together, compiled once."""
    alike: dict[frozenset[str], list[Values]] = {}
    for row in rows:
        alike.setdefault(frozenset(row), []).append(row)
    for some in alike.values():
        session.connection().execute(statement, some)


def one_of(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """`column IN values` in a form that a statement for many rows may have."""
    return or_(*(column == value for value in values))


def _columns(rows: Sequence[Values]) -> Values:
    return {name: [row[name] for row in rows] for name in rows[0]}


@lru_cache(maxsize=4 * MOST_ROWS)
def _compiled(
    dialect: Dialect,
    build: Callable[..., Any],
    table: Table,
    constants: Callable[[], Values],
    finish: Callable[[Any], Any],
    names: tuple[str, ...],
    many: int,
) -> tuple[str, Values, Sequence[str]]:
    """The statement's text, the values that are always the same, and the order of values (none: by name)."""
    statement = finish(build(table, names, constants(), many))
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), dict(compiled.params), compiled.positiontup or ()


def _from_values(table: Table, names: Sequence[str], constants: Values, many: int) -> Any:
    marks: list[Values] = [{name: bindparam(f"{name}_{n}", None) for name in names} for n in range(many)]
    return sqlite.insert(table).values([constants | row for row in marks])


def _from_arrays(table: Table, names: Sequence[str], constants: Values, _many: int) -> Any:
    arrays = [bindparam(name, None, type_=postgresql.ARRAY(table.c[name].type)) for name in names]
    given = func.unnest(*arrays).table_valued(*names, name="given").render_derived()
    return insert_from(table, names, select(*given.c), constants)
