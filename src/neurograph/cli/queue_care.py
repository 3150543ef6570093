"""`ngdb queue`: what looks at channels or clears them: `tail`, `stats`, `redrive`, `purge`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..model.message import STATES, ChannelStats, Message
from .command import command, file_argument, json_option, reading, writing
from .exit_codes import FAILED
from .output import cell, json_line, note, write_json, write_records

if TYPE_CHECKING:
    from ..database import Database
    from ..model.topic import Entry

TAILED = ("id", "channel", "state", "priority", "attempts", "published_ns", "key", "headers", "payload")
PAGE = 256  # messages read at once


@command(
    "tail",
    "ngdb queue tail mind.ngdb jobs",
    "ngdb queue tail mind.ngdb jobs mails -n 20",
    "ngdb queue tail mind.ngdb jobs --json --timeout 60 | jq .payload",
)
@file_argument
@click.argument("channels", nargs=-1, required=True, metavar="CHANNEL...")
@click.option(
    "-n", "n", type=click.IntRange(0), metavar="N", default=10, show_default=True, help="Begin with the last N."
)
@click.option(
    "--timeout", "timeout_s", type=float, metavar="SECONDS", help="End when so long none came; else Ctrl-C does."
)
@click.option("--json", "as_json", is_flag=True, help="Write each message as one line of JSON.")
def tail(file: str, channels: Sequence[str], n: int, timeout_s: float | None, as_json: bool) -> None:
    """Follow the messages of channels as they come, without claiming them.

    A dead letter comes when it dies. One that is published and done between two looks is not seen. Channels need not
    exist yet.
    """
    with reading(file) as db:
        note_missing(db, channels, "shown")
        for message in _followed(db, channels, n, timeout_s):
            if as_json:
                print(json_line({name: getattr(message, name) for name in TAILED}), flush=True)
            else:
                print(f"{message.id}  {cell(message.channel)}  {cell(payload_text(message))}", flush=True)


def note_missing(db: Database, channels: Sequence[str], then: str) -> None:
    """Say which channels nobody has made: they may be mistyped."""
    known = {one.channel for one in db.queue.stats_of_all()}
    for channel in channels:
        if channel not in known:
            note(f"no channel has the name {channel!r} yet; what comes is {then}")


def _followed(db: Database, channels: Sequence[str], n: int, timeout_s: float | None) -> Iterator[Message]:
    """Yield the last messages of channels, then those that come."""
    from ..connection.scope import deadline_after
    from ..connection.waiting import Waiting

    with db.snapshot():
        last, failed = _before_the_last(db, channels, n), _newest_failure(db)
    with Waiting(db._session, *channels) as waiting:
        while True:
            until = deadline_after(timeout_s)
            while True:
                seen = waiting.seen()
                with db.snapshot():  # of all channels at once: what one has next is not older than what another had
                    found, failed = _died(db, channels, last, failed)
                    found += _after(db, channels, last)
                if found or not waiting.wait(seen, until):
                    break
            if not found:
                return
            yield from found
            last = max(last, found[-1].id)


def _before_the_last(db: Database, channels: Sequence[str], n: int) -> int:
    """Return the id after which the last messages of channels come."""
    if not n:
        return int(db.execute("select coalesce(max(id), 0) from message").fetchall()[0][0])
    sql = """
        select id from message
         where channel_id in (select id from channel where name in (select value from json_each(?)))
         order by id desc limit ?"""
    rows = db.execute(sql, (json.dumps(list(channels)), n)).fetchall()
    return int(rows[-1][0]) - 1 if rows else 0


def _newest_failure(db: Database) -> int:
    return int(db.execute("select coalesce(max(id), 0) from failure").fetchall()[0][0])


def _died(db: Database, channels: Sequence[str], last: int, failed: int) -> tuple[list[Message], int]:
    """Return dead letters that came after a failure, a page of them, and the failure up to which that is."""
    sql = """
        select f.id, m.id
          from failure as f
          join message as m on m.id = f.message_id
         where f.id > ? and m.id <= ? and m.origin is not null
           and m.attempts = (m.state = 'claimed')  -- else it failed where it lies
           and m.channel_id in (select id from channel where name in (select value from json_each(?)))
         order by f.id limit ?"""
    newest = _newest_failure(db)
    rows = db.execute(sql, (failed, last, json.dumps(list(channels)), PAGE)).fetchall()
    found = [db.queue.get(number) for number in dict.fromkeys(row[1] for row in rows)]
    return found, rows[-1][0] if len(rows) == PAGE else newest


def _after(db: Database, channels: Sequence[str], last: int) -> list[Message]:
    """Return messages of channels in the order of publishing, a page of them."""
    from ..errors import ChannelNotFound

    found: list[Message] = []
    for channel in dict.fromkeys(channels):
        try:
            found += db.queue.list(channel, n=PAGE, after=last)
        except ChannelNotFound:  # not yet
            continue
    return sorted(found, key=lambda message: message.id)[:PAGE]


@command("stats", "ngdb queue stats mind.ngdb", "ngdb queue stats mind.ngdb jobs --json")
@file_argument
@click.argument("channel", required=False)
@json_option
def stats(file: str, channel: str | None, as_json: bool) -> None:
    """Say what is in a channel, or in each."""
    with reading(file) as db:
        found = db.queue.stats_of_all() if channel is None else [db.queue.stats(channel)]
    write_records(ChannelStats._fields, found, as_json=as_json, empty="no channel is there")


@command(
    "redrive",
    "ngdb queue redrive mind.ngdb jobs.dead",
    "ngdb queue redrive mind.ngdb jobs.dead 7 9",
    "ngdb queue redrive mind.ngdb jobs.dead -n 100 --json",
)
@file_argument
@click.argument("channel")
@click.argument("messages", type=click.IntRange(1), nargs=-1, metavar="[MESSAGE...]")
@click.option("-n", "n", type=click.IntRange(0), metavar="N", help="At most so many, the oldest first; else all.")
@json_option
def redrive(file: str, channel: str, messages: Sequence[int], n: int | None, as_json: bool) -> None:
    """Send the dead letters in a channel, or those whose ids are given, back to where they died."""
    with writing(file) as db:
        count = db.queue.redrive(channel, messages or None, n=n)
    if as_json:
        write_json({"channel": channel, "messages": count})
    else:
        print(f"{_messages(count)} of {channel!r} will be tried again")


@command("purge", "ngdb queue purge mind.ngdb jobs", "ngdb queue purge mind.ngdb jobs --state dead --yes --json")
@file_argument
@click.argument("channel")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state; else all, also those worked on.")
@click.option("--yes", is_flag=True, help="Don't ask; where stdin is no terminal nothing is asked anyway.")
@json_option
def purge(file: str, channel: str, state: str | None, yes: bool, as_json: bool) -> None:
    """Delete the messages of a channel; the channel stays."""
    with writing(file) as db:
        found = db.queue.stats(channel)
        if not yes and _at_terminal():
            count = getattr(found, state) if state else sum(getattr(found, name) for name in STATES)
            if count and not click.confirm(f"delete {_messages(count)} of {channel!r}?", err=True):
                note("left alone")
                raise click.exceptions.Exit(FAILED)
        purged = db.queue.purge(channel, state)
    if as_json:
        write_json({"channel": channel, "messages": purged})
    else:
        print(f"{_messages(purged)} of {channel!r} {'is' if purged == 1 else 'are'} gone")


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def payload_text(message: Message | Entry) -> Any:
    """Return a payload as a line shows it: JSON, or bytes."""
    payload = message.payload
    return payload if isinstance(payload, bytes) else json_line(payload)


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"
