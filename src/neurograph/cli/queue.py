"""`ngdb queue`: messages published, claimed and settled; those that only look or clear away are in `queue_care.py`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from ..model.message import MESSAGE_COLUMNS, Message
from .command import PAIR, command, file_argument, group, json_option, parsed_json, writing
from .output import note, terminal_width, write_json, write_table
from .queue_care import payload_text, purge, redrive, stats, tail

SHOWN = ("receipt", "attempts", "priority", "payload")
TOLD = ("id", "channel", "priority", "attempts", "published_ns", "due_ns", "expires_ns", "key", "headers", "payload")


class ReceiptParam(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on
    """A message that somebody has claimed: its id and the number of the claim, ``7:4611686018427387904``.

    One word, as what reads JSON elsewhere may round a number of 62 bits.
    """

    name = "receipt"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Message:
        """Return the message, of which no more is known."""
        if isinstance(value, Message):
            return value
        parts = str(value).split(":")
        if len(parts) != 2 or not all(
            part.isascii() and part.isdigit() and len(part) < 20 and int(part) < 1 << 63 for part in parts
        ):
            self.fail(f"must be what `ngdb queue claim` wrote as receipt, got {value!r}", param, ctx)
        known = {"id": int(parts[0]), "claim": int(parts[1])}
        return Message(tuple(known.get(name) for name in MESSAGE_COLUMNS))


channel_argument = click.argument("channel")
receipts_argument = click.argument("receipts", type=ReceiptParam(), nargs=-1, required=True)
lease_option = click.option(
    "--lease", "lease_s", type=float, metavar="SECONDS", help="How long they are yours; else as the channel says."
)


@command(
    "publish",
    "ngdb queue publish mind.ngdb jobs '{\"n\": 1}'",
    "ngdb queue publish mind.ngdb mails --text 'to ann' --priority high --key 'welcome ann' --ttl 3600",
    "ngdb queue publish mind.ngdb jobs - --header source=cron < job.json",
    "jq -c '.[]' jobs.json | xargs -d '\\n' ngdb queue publish mind.ngdb jobs",
)
@file_argument
@channel_argument
@click.argument("payloads", nargs=-1, required=True, metavar="PAYLOAD...")
@click.option("--text", is_flag=True, help="PAYLOAD is a text, not JSON.")
@click.option(
    "--priority", metavar="PRIORITY", help="critical, high, normal, low, background, or a number; lower is first."
)
@click.option("--key", metavar="TEXT", help="While a message with it is pending, another is a duplicate.")
@click.option("--header", "headers", type=PAIR, metavar="NAME=TEXT", multiple=True, help="May be repeated.")
@click.option("--delay", "delay_s", type=float, metavar="SECONDS", help="It can be claimed only after so long.")
@click.option(
    "--ttl", "ttl_s", type=float, metavar="SECONDS", help="It is dropped unless it is claimed within so long."
)
@json_option
def publish(
    file: str,
    channel: str,
    payloads: Sequence[str],
    text: bool,
    priority: str | None,
    key: str | None,
    headers: Sequence[tuple[str, str]],
    delay_s: float | None,
    ttl_s: float | None,
    as_json: bool,
) -> None:
    """Put messages into a channel: each PAYLOAD is JSON, and a dash reads one from stdin.

    Several are one transaction, all or none. FILE and CHANNEL are created where there is none.
    """
    if key is not None and len(payloads) > 1:
        raise click.UsageError(f"--key is for one PAYLOAD, got {len(payloads)}")
    said = [sys.stdin.read() if payload == "-" else payload for payload in payloads]
    parsed = said if text else [parsed_json(payload, "PAYLOAD", "; --text takes it as a text") for payload in said]
    more: dict[str, Any] = {"delay_s": delay_s, "ttl_s": ttl_s, "headers": dict(headers) or None}
    if priority is not None:
        number = priority.removeprefix("-")
        more["priority"] = int(priority) if number.isdecimal() and len(number) < 20 else priority
    with writing(file, create=True) as db:
        if key is not None:
            published = [db.queue.publish(channel, parsed[0], key=key, **more)]
        else:
            published = db.queue.publish_many(channel, parsed, **more)
    if as_json:
        write_json([{"channel": channel, **one._asdict()} for one in published])
        return
    for one in published:
        if one.id is None:
            print(f"{channel!r} is full, and dropped the message")
        elif one.duplicate:
            print(f"message {one.id} in {channel!r} has that key")
        else:
            print(f"message {one.id} is in {channel!r}")


@command(
    "claim",
    "ngdb queue claim mind.ngdb jobs",
    "ngdb queue claim mind.ngdb jobs -n 10 --lease 600 --json",
    "ngdb queue claim mind.ngdb jobs --wait 60 --json | jq -r '.[0].receipt'",
)
@file_argument
@channel_argument
@click.option("-n", "n", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="At most so many.")
@lease_option
@click.option(
    "--wait", "wait_s", type=float, metavar="SECONDS", help="Wait so long for one; else nothing is waited for."
)
@json_option
def claim(file: str, channel: str, n: int, lease_s: float | None, wait_s: float | None, as_json: bool) -> None:
    """Take the next messages of a channel to work on them.

    Each has a receipt, which `ngdb queue ack` takes when it is done, in whichever process. After the lease another may
    claim it.
    """
    with writing(file) as db:
        if wait_s is None:
            messages = db.queue.claim(channel, n, lease_s=lease_s)
        else:
            messages = []
            with db.queue.consume(channel, n=n, lease_s=lease_s, timeout_s=wait_s) as consumer:
                for message in consumer:
                    messages.append(message)
                    consumer.stop()  # what was claimed with it still comes
    if as_json:
        write_json([{"receipt": _receipt(one), **{name: getattr(one, name) for name in TOLD}} for one in messages])
    elif messages:
        rows = [(_receipt(one), one.attempts, one.priority, payload_text(one)) for one in messages]
        write_table(SHOWN, rows, width=terminal_width())
    else:
        note(f"nothing is ready in {channel!r}")


@command(
    "ack",
    "ngdb queue ack mind.ngdb 7:4611686018427387904",
    "ngdb queue ack mind.ngdb 7:4611686018427387904 --result '{\"n\": 2}'",
)
@file_argument
@receipts_argument
@click.option("--result", metavar="JSON", help="What came of it; kept as long as the channel's keep_ms says.")
@json_option
def ack(file: str, receipts: Sequence[Message], result: str | None, as_json: bool) -> None:
    """Say that claimed messages are done: all of them or, where one's lease was lost, none."""
    kept = None if result is None else parsed_json(result, "--result")
    with writing(file) as db, db.transaction():
        for message in receipts:
            db.queue.ack(message, kept)
    _say_settled("acked", "done", receipts, as_json)


@command(
    "nack",
    "ngdb queue nack mind.ngdb 7:4611686018427387904 --error 'no network'",
    "ngdb queue nack mind.ngdb 7:4611686018427387904 --delay 60",
)
@file_argument
@receipts_argument
@click.option("--error", metavar="TEXT", default="", help="What went wrong.")
@click.option("--delay", "delay_s", type=float, metavar="SECONDS", help="When to try again; else as the channel says.")
@json_option
def nack(file: str, receipts: Sequence[Message], error: str, delay_s: float | None, as_json: bool) -> None:
    """Say that claimed messages failed: they are tried again or, after the last attempt, dead."""
    with writing(file) as db, db.transaction():
        for message in receipts:
            db.queue.nack(message, error, delay_s=delay_s)
    _say_settled("nacked", "given back as failed", receipts, as_json)


@command("extend", "ngdb queue extend mind.ngdb 7:4611686018427387904 --lease 600")
@file_argument
@receipts_argument
@lease_option
@json_option
def extend(file: str, receipts: Sequence[Message], lease_s: float | None, as_json: bool) -> None:
    """Keep claimed messages for another lease from now on; their receipts stay as they are."""
    with writing(file) as db, db.transaction():
        for message in receipts:
            db.queue.extend(message, lease_s)
    _say_settled("extended", "yours for another lease", receipts, as_json)


def _receipt(message: Message) -> str:
    return f"{message.id}:{message.claim}"


def _say_settled(verb: str, what: str, messages: Sequence[Message], as_json: bool) -> None:
    if as_json:
        write_json({verb: [message.id for message in messages]})
    else:
        print("\n".join(f"message {message.id} is {what}" for message in messages))


queue = group(
    "queue",
    "Publish messages, claim them, and say what became of them.",
    [publish, claim, ack, nack, extend, tail, stats, redrive, purge],
    "ngdb queue publish mind.ngdb jobs '{\"n\": 1}'",
    "ngdb queue claim mind.ngdb jobs",
    "ngdb queue ack mind.ngdb 1:4611686018427387904",
    "ngdb queue stats mind.ngdb",
)
