"""bin/manage company: companies as files, and whether they are ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from console.commands.operator import Operator, pass_operator
from console.commands.printing import as_json_option, say, say_json, say_rows
from console.company_import import UNCHANGED, export_company, import_company
from console.shapes import company_shape
from mappers.readiness import ERROR, Finding
from models.backlog import list_companies
from models.companies import find_company

LARGEST_FILE = 5_000_000  # bytes; a grid of ten thousand rules is far smaller


@click.group()
def company() -> None:
    """Companies, each described by a TOML file."""


@company.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@as_json_option
@pass_operator
def import_file(operator: Operator, file: Path, *, as_json: bool) -> None:
    """Take in a company file. The same file again changes nothing."""
    outcome = import_company(
        operator.database,
        operator.sealer,
        _read(file),
        environ=operator.environ,
        actor=operator.actor,
        http_allowed=operator.http_allowed,
    )
    if outcome.status != UNCHANGED:
        operator.bell.ring(outcome.key)
    if as_json:
        return say_json(asdict(outcome))
    say(f"{outcome.key}: {outcome.status}")
    for change in outcome.changes:
        say(f"  {change}")
    return None


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise click.ClickException(f"{file} is too large for a company file; nothing was changed.")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise click.ClickException(f"{file} can't be read: {error.strerror}. Nothing was changed.") from error
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"{file} is not UTF-8 text: save it as UTF-8. Nothing was changed."
        ) from error


@company.command()
@click.argument("key")
@pass_operator
def export(operator: Operator, key: str) -> None:
    """Print the company's file, its secrets as env: placeholders."""
    with operator.database.read() as session:
        click.echo(export_company(find_company(session, key)), nl=False)


@company.command("list")
@as_json_option
@pass_operator
def list_all(operator: Operator, *, as_json: bool) -> None:
    """Companies by key."""
    with operator.database.read() as session:
        rows = [company_shape(row) for row in list_companies(session)]
    columns = ("key", "name", "provider", "connected", "connection_ends_at", "paused", "callback", "swept_at")
    say_rows(rows, columns, as_json=as_json, nothing="There are no companies: `bin/manage company import`.")


@company.command()
@click.argument("key")
@as_json_option
@click.pass_context
@pass_operator
def check(operator: Operator, ctx: click.Context, key: str, *, as_json: bool) -> None:
    """Tell before going live everything that would fail. Exit status 1 when something would."""
    findings = operator.readiness(key)
    if as_json:
        say_json([asdict(finding) for finding in findings])
    else:
        _tell(key, findings)
    if any(finding.level == ERROR for finding in findings):
        ctx.exit(1)


def _tell(key: str, findings: Sequence[Finding]) -> None:
    for finding in findings:
        say(f"{finding.level.upper():<8}{finding.text}")
        say(f"        {finding.to_do}  [{finding.cause}]")
    errors = sum(finding.level == ERROR for finding in findings)
    if errors:
        word = "thing" if errors == 1 else "things"
        click.echo(f"{key} is not ready: {errors} {word} would fail.", err=True)
    else:
        warnings = f", {len(findings)} to look at" if findings else ""
        say(f"{key} is ready{warnings}.")
