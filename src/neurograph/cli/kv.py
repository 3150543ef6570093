"""`ngdb kv`: values in JSON under a namespace and a key: `get`, `set`, `list`, `delete`."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..model.stored import StorageItem
from .command import command, file_argument, group, json_option, limit_option, parsed_json, reading, writing
from .output import json_line, note, terminal_width, write_json, write_table

namespace_argument = click.argument("namespace")


@command("get", "ngdb kv get mind.ngdb devices lamp", "ngdb kv get mind.ngdb devices lamp --json | jq .value.on")
@file_argument
@namespace_argument
@click.argument("key")
@json_option
def get(file: str, namespace: str, key: str, as_json: bool) -> None:
    """Write a value as JSON; with --json its version and expiry, too."""
    with reading(file) as db:
        item = db.storage.item(namespace, key)
    if as_json:
        write_json(item._asdict())
    else:
        print(json_line(item.value))


@command(
    "set",
    "ngdb kv set mind.ngdb devices lamp '{\"on\": true}'",
    "ngdb kv set mind.ngdb codes door 4711 --ttl 60",
    "ngdb kv set mind.ngdb notes today --text 'buy milk'",
    "ngdb kv set mind.ngdb notes today - < today.json",
)
@file_argument
@namespace_argument
@click.argument("key")
@click.argument("value")
@click.option("--text", is_flag=True, help="VALUE is a text, not JSON.")
@click.option("--ttl", "ttl_s", type=float, metavar="SECONDS", help="It is gone after so long; else it stays.")
@click.option(
    "--if-version", type=click.IntRange(0), metavar="N", help="Only where the version is N; 0: nothing is stored."
)
@json_option
def set_(
    file: str,
    namespace: str,
    key: str,
    value: str,
    text: bool,
    ttl_s: float | None,
    if_version: int | None,
    as_json: bool,
) -> None:
    """Store VALUE, which is JSON; a dash reads it from stdin.

    FILE is created where there is none.
    """
    said = sys.stdin.read() if value == "-" else value
    parsed = said if text else parsed_json(said, "VALUE", "; --text takes it as a text")
    with writing(file, create=True) as db:
        version = db.storage.set(namespace, key, parsed, ttl_s=ttl_s, if_version=if_version)
    if as_json:
        write_json({"namespace": namespace, "key": key, "version": version})
    else:
        print(f"{key!r} in {namespace!r} is version {version}")


@command(
    "list",
    "ngdb kv list mind.ngdb",
    "ngdb kv list mind.ngdb devices --prefix lamp: --json",
    "ngdb kv list mind.ngdb devices --after lamp:7 --limit 100",
)
@file_argument
@click.argument("namespace", required=False)
@click.option("--prefix", metavar="TEXT", default="", help="Only keys that begin with it.")
@click.option("--after", metavar="KEY", help="Only keys above it: the last of the page before.")
@limit_option
@json_option
def list_(file: str, namespace: str | None, prefix: str, after: str | None, limit: int, as_json: bool) -> None:
    """List the values of a namespace by key, or the namespaces."""
    if namespace is None:
        if prefix or after is not None:
            raise click.UsageError("--prefix and --after need a NAMESPACE")
        with reading(file) as db:
            found: list[Any] = list(db.storage.namespaces())
        columns, empty = ("name", "keys", "bytes", "quota_bytes"), "nothing is stored"
    else:
        with reading(file) as db:
            found = list(db.storage.list(namespace, prefix, after=after, limit=limit + 1 if limit else None))
        columns, empty = ("key", "value", "version", "expires_ns"), "nothing is found"
    shown = found[:limit] if limit else found
    if as_json:
        write_json([{name: getattr(row, name) for name in columns} for row in shown])
    elif shown:
        rows = [[_cell(getattr(row, name), name) for name in columns] for row in shown]
        write_table(columns, rows, width=terminal_width())
    else:
        note(empty)
    if len(shown) < len(found):
        onward = f"--after {shown[-1].key!r} shows the next, " if isinstance(shown[-1], StorageItem) else ""
        note(f"there are more; {onward}--limit 0 shows all")


@command(
    "delete",
    "ngdb kv delete mind.ngdb devices lamp",
    "ngdb kv delete mind.ngdb devices lamp fan --json",
    "ngdb kv delete mind.ngdb devices lamp --if-version 7",
)
@file_argument
@namespace_argument
@click.argument("keys", nargs=-1, required=True)
@click.option("--if-version", type=click.IntRange(1), metavar="N", help="Only where the version is N; for one KEY.")
@json_option
def delete(file: str, namespace: str, keys: tuple[str, ...], if_version: int | None, as_json: bool) -> None:
    """Delete the values of KEYS, all or none; those without a value are left out."""
    if if_version is not None and len(keys) != 1:
        raise click.UsageError("--if-version needs one KEY")
    with writing(file) as db:
        if if_version is None:
            deleted = db.storage.delete_many(namespace, keys)
        else:
            deleted = int(db.storage.delete(namespace, keys[0], if_version=if_version))
    if as_json:
        write_json({"namespace": namespace, "deleted": deleted})
    else:
        print(f"{deleted} value{'s' * (deleted != 1)} of {namespace!r} deleted")


def _cell(value: Any, name: str) -> Any:
    return json_line(value) if name == "value" else value


kv = group(
    "kv",
    "Store values in JSON under a namespace and a key.",
    [get, set_, list_, delete],
    "ngdb kv set mind.ngdb devices lamp '{\"on\": true}'",
    "ngdb kv get mind.ngdb devices lamp",
    "ngdb kv list mind.ngdb devices",
    "ngdb kv delete mind.ngdb devices lamp",
)
