"""`ngdb topics`: the log that many read: `list`, `publish`, `tail`, and how far its readers are: `subscriptions`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..model.topic import ENTRY_COLUMNS, Entry
from .command import PAIR, command, file_argument, group, json_option, parsed_json, reading, timeout_option, writing
from .output import cell, json_line, note, terminal_width, write_json, write_table
from .queue_care import payload_text

if TYPE_CHECKING:
    from ..database import Database

LISTED = ("name", "entries", "newest", "trimmed", "keep_ms", "keep_entries", "keep_bytes")
SUBSCRIBED = (
    "name", "pattern", "where", "cursor", "lag", "ready", "delayed", "claimed", "dead", "missed", "paused",
)  # fmt: skip
PAGE = 256  # entries read at once


@command("list", "ngdb topics list mind.ngdb", "ngdb topics list mind.ngdb --json")
@file_argument
@json_option
def list_(file: str, as_json: bool) -> None:
    """List the topics: how many entries each has, its newest, the newest that was trimmed, and what it keeps."""
    with reading(file) as db, db.snapshot():
        counted = "select topic_id, count(*), max(id) from topic_entry group by topic_id"
        figures = {topic: rest for topic, *rest in db.execute(counted).fetchall()}
        found = [
            (one.name, *figures.get(one.id, (0, None)), one.trimmed_id, one.keep_ms, one.keep_entries, one.keep_bytes)
            for one in db.topics.list()
        ]
    _write_rows(LISTED, found, as_json, "no topic is there")


@command(
    "publish",
    "ngdb topics publish mind.ngdb news '{\"n\": 1}'",
    "ngdb topics publish mind.ngdb news --text 'it rains' --header source=roof",
    "ngdb topics publish mind.ngdb news - < entry.json",
)
@file_argument
@click.argument("topic")
@click.argument("payloads", nargs=-1, required=True, metavar="PAYLOAD...")
@click.option("--text", is_flag=True, help="PAYLOAD is a text, not JSON.")
@click.option("--header", "headers", type=PAIR, metavar="NAME=TEXT", multiple=True, help="May be repeated.")
@json_option
def publish(
    file: str, topic: str, payloads: Sequence[str], text: bool, headers: Sequence[tuple[str, str]], as_json: bool
) -> None:
    """Put entries at the end of the log: each PAYLOAD is JSON, and a dash reads one from stdin.

    Several are one transaction, all or none. FILE and TOPIC are created where there is none.
    """
    said = [sys.stdin.read() if payload == "-" else payload for payload in payloads]
    parsed = said if text else [parsed_json(payload, "PAYLOAD", "; --text takes it as a text") for payload in said]
    with writing(file, create=True) as db:
        ids = db.topics.publish_many(topic, parsed, headers=dict(headers) or None)
    if as_json:
        write_json([{"topic": topic, "id": id} for id in ids])
    else:
        print("\n".join(f"entry {id} is in {topic!r}" for id in ids))


@command(
    "tail",
    "ngdb topics tail mind.ngdb news",
    "ngdb topics tail mind.ngdb 'tokens.*' --where '{\"weight\": {\"$gt\": 0.5}}' --json | jq .payload",
    "ngdb topics tail mind.ngdb --after 100 --timeout 0",
)
@file_argument
@click.argument("pattern", required=False, default="*")
@click.option("--where", metavar="JSON", help='Only entries whose payload meets it: \'{"euro": {"$gte": 10}}\'.')
@click.option("--after", type=click.IntRange(0), metavar="ID", help="Begin after it, not with the last entries.")
@click.option(
    "-n", "n", type=click.IntRange(0), metavar="N", default=10, show_default=True, help="Begin with the last N."
)
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Write each entry as one line of JSON.")
def tail(
    file: str, pattern: str, where: str | None, after: int | None, n: int, timeout_s: float | None, as_json: bool
) -> None:
    """Follow the entries of a topic, of several (tokens.*) or of all as they come; no subscription is moved by it."""
    condition = None if where is None else parsed_json(where, "--where")
    with reading(file) as db:
        db.topics.read(pattern, limit=0, where=condition)  # refused before anything is said
        if not any(_asks(pattern, one.name) for one in db.topics.list()):
            nothing = "there is no topic" if pattern == "*" else f"no topic has the name {pattern!r}"
            note(f"{nothing} yet; what comes is shown")
        for entry in _followed(db, pattern, condition, n, after, timeout_s):
            if as_json:
                print(json_line({name: getattr(entry, name) for name in ENTRY_COLUMNS}), flush=True)
            else:
                print(f"{entry.id}  {cell(entry.topic)}  {cell(payload_text(entry))}", flush=True)


def _followed(
    db: Database, pattern: str, where: Any, n: int, after: int | None, timeout_s: float | None
) -> Iterator[Entry]:
    """Yield the last entries, or those after one, then those that come; say where some were trimmed unseen."""
    from ..connection.scope import deadline_after
    from ..connection.waiting import Waiting

    last = after
    if last is None:
        found, last = _last(db, pattern, where, n)
        yield from found
    with Waiting(db._session) as waiting:
        until = deadline_after(timeout_s)
        while True:
            seen = waiting.seen()
            with db.snapshot():
                trimmed = [one.name for one in db.topics.list() if one.trimmed_id > last and _asks(pattern, one.name)]
                end = _newest(db)
                found = db.topics.read(pattern, after=last, limit=PAGE, where=where)
            if trimmed:
                note(
                    f"entries after {last} were trimmed before they could be shown, in {', '.join(map(repr, trimmed))}"
                )
            yield from found
            last = found[-1].id if len(found) == PAGE else max(end, last)
            if found:
                until = deadline_after(timeout_s)
            elif not waiting.wait(seen, until):
                return


def _last(db: Database, pattern: str, where: Any, n: int) -> tuple[list[Entry], int]:
    """Return the last n entries that are asked for, and the id after which others come."""
    with db.snapshot():
        newest = _newest(db)
        found: list[Entry] = []
        span = max(n, 1)
        while n and len(found) < n:
            found = db.topics.read(pattern, after=max(0, newest - span), limit=span, where=where)[-n:]
            if span >= newest:
                break
            span *= 4
    return found, newest


def _newest(db: Database) -> int:
    return int(db.execute("select coalesce(max(id), 0) from topic_entry").fetchall()[0][0])


def _asks(pattern: str, topic: str) -> bool:
    return topic.startswith(pattern[:-1]) if pattern.endswith("*") else topic == pattern


@command(
    "subscriptions",
    "ngdb topics subscriptions mind.ngdb",
    "ngdb topics subscriptions mind.ngdb mails --json | jq .[0].lag",
)
@file_argument
@click.argument("name", required=False)
@json_option
def subscriptions(file: str, name: str | None, as_json: bool) -> None:
    """Say what subscriptions ask for, how far they are, and what was deleted before they had it."""
    with reading(file) as db, db.snapshot():
        found = []
        for one in db.topics.subscriptions() if name is None else [db.topics.subscription(name)]:
            settings, (_, *figures) = one.settings, one.stats()
            found.append((settings.name, settings.pattern, settings.where, *figures))
    _write_rows(SUBSCRIBED, found, as_json, "no subscription is there")


def _write_rows(names: Sequence[str], rows: Sequence[Sequence[Any]], as_json: bool, empty: str) -> None:
    if as_json:
        write_json([dict(zip(names, row, strict=True)) for row in rows])
    elif rows:
        shown = [[json_line(one) if isinstance(one, dict) else one for one in row] for row in rows]
        write_table(names, shown, width=terminal_width())
    else:
        note(empty)


topics = group(
    "topics",
    "Publish to topics, follow them, and see how far subscriptions are.",
    [list_, publish, tail, subscriptions],
    "ngdb topics publish mind.ngdb news '{\"n\": 1}'",
    "ngdb topics tail mind.ngdb 'tokens.*'",
    "ngdb topics subscriptions mind.ngdb",
)
