"""`ngdb events`: what happened: `list`, `tail`, `types`, and which types are written: `enable`, `disable`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from .command import (
    command,
    file_argument,
    group,
    json_option,
    limit_option,
    parsed_json,
    reading,
    timeout_option,
    writing,
)
from .output import cell, json_line, note, terminal_width, write_json, write_table

if TYPE_CHECKING:
    from ..model.event import Event

COLUMNS = ("id", "type", "created_ns", "data")
type_argument = click.argument("type", required=False, default="*")
where_option = click.option(
    "--where", metavar="JSON", help='Only events whose data meets it: \'{"euro": {"$gte": 10}}\'.'
)


@command(
    "list",
    "ngdb events list mind.ngdb",
    "ngdb events list mind.ngdb 'token.*' --after 100 --json",
    'ngdb events list mind.ngdb order.paid --where \'{"euro": {"$gte": 10}}\' --newest',
)
@file_argument
@type_argument
@where_option
@click.option("--after", type=click.IntRange(0), metavar="ID", default=0, help="Only events with a greater id.")
@click.option("--newest", is_flag=True, help="The newest first.")
@limit_option
@json_option
def list_(file: str, type: str, where: str | None, after: int, newest: bool, limit: int, as_json: bool) -> None:
    """List events of a type, of several (token.*) or of all, the oldest first."""
    order = "newest" if newest else "oldest"
    conditions = _conditions(where)
    with reading(file) as db:
        most = limit + 1 if limit else None
        found = [*db.events.read(type, where=conditions, after=after, limit=most, order=order)]
    shown = found[:limit] if limit else found
    if as_json:
        write_json([event._asdict() for event in shown])
    elif shown:
        write_table(COLUMNS, [_row(event) for event in shown], width=terminal_width())
    else:
        note("nothing is found")
    if len(shown) < len(found):
        onward = "" if newest else f"--after {shown[-1].id} shows the next, "
        note(f"there are more; {onward}--limit 0 shows all")


@command(
    "tail",
    "ngdb events tail mind.ngdb",
    "ngdb events tail mind.ngdb 'queue.*' --json | jq .data.channel",
    "ngdb events tail mind.ngdb --after 100 --timeout 0",
)
@file_argument
@type_argument
@where_option
@click.option("--after", type=click.IntRange(0), metavar="ID", help="Begin after it, not with the newest events.")
@click.option(
    "--last", type=click.IntRange(0), metavar="N", default=10, show_default=True, help="Begin with the newest N."
)
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document a line.")
def tail(
    file: str, type: str, where: str | None, after: int | None, last: int, timeout_s: float | None, as_json: bool
) -> None:
    """Write the newest events, and then each that comes, an event a line."""
    conditions = _conditions(where)
    with reading(file) as db:
        newest = db.events.newest
        if after is None:
            before = [*db.events.read(type, where=conditions, limit=last, order="newest")] if last else []
            for event in reversed(before):
                _write(event, as_json)
            after = max(newest, before[0].id if before else 0)
        for event in db.events.subscribe(type, where=conditions, after=after, timeout_s=timeout_s):
            _write(event, as_json)


@command("types", "ngdb events types mind.ngdb", "ngdb events types mind.ngdb 'token.*' --json")
@file_argument
@type_argument
@json_option
def types(file: str, type: str, as_json: bool) -> None:
    """List the types of events, and whether they are written."""
    with reading(file) as db:
        found = [row._asdict() for row in db.events.types(type)]
    if as_json:
        write_json(found)
    else:
        columns = ("name", "enabled", "trimmed", "description")
        rows = [[_cell(row[name]) for name in columns] for row in found]
        write_table(columns, rows, width=terminal_width())


@command("enable", "ngdb events enable mind.ngdb 'token.*'")
@file_argument
@click.argument("type")
@json_option
def enable(file: str, type: str, as_json: bool) -> None:
    """Let events of a type, or of several (token.*), be written from now on."""
    with writing(file) as db:
        _switched(db.events.enable(type), "on", as_json)


@command("disable", "ngdb events disable mind.ngdb 'token.*'")
@file_argument
@click.argument("type")
@json_option
def disable(file: str, type: str, as_json: bool) -> None:
    """Let events of a type, or of several (token.*), be written no more."""
    with writing(file) as db:
        _switched(db.events.disable(type), "off", as_json)


def _switched(names: list[str], what: str, as_json: bool) -> None:
    if as_json:
        write_json({"switched": names})
    else:
        print(f"switched {what}: {', '.join(names)}" if names else f"nothing to switch {what}")


def _conditions(where: str | None) -> Any:
    return None if where is None else parsed_json(where, "--where")


def _write(event: Event, as_json: bool) -> None:
    """Write an event at once: who reads it may wait for it."""
    line = json_line(event._asdict()) if as_json else " ".join(map(cell, _row(event)))
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _row(event: Event) -> list[Any]:
    return [event.id, event.type, event.created_ns, json_line(event.data)]


def _cell(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


events = group(
    "events",
    "Show what happened, and say what is to be written down.",
    [list_, tail, types, enable, disable],
    "ngdb events enable mind.ngdb 'token.*'",
    "ngdb events list mind.ngdb --newest",
    "ngdb events tail mind.ngdb 'token.*'",
)
