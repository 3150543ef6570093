"""What messages tell a Python programmer to do, as `ngdb` does it."""

from __future__ import annotations

import re

REMEDIES = {
    "db.library.create makes one": "`ngdb library create` makes one",
    "get it, or drop it first": "use it, or drop it by `ngdb library drop`",
    "take it away with db.library.drop": "take it away by `ngdb library drop`",
    'pass errors="replace", or errors="cp1252"': "pass --errors replace, or --errors cp1252",
    'pass malformed="skip" to leave': "pass --malformed skip to leave",
    "name one by member=": "name one by --member",
    "name that file by words=": "name that file by --words",
    "with library.index_text()": "by `ngdb library index`",
    "syntax='words' takes": "--syntax words takes",
    "give it with library.attach(EmbeddingEngine(path)) (ngdb: --model)": "name it by --model",
    "make one with model=EmbeddingEngine.default(), or pass vector=": (
        "make one by `ngdb library create --model default`, or pass --vector"
    ),
    "give it one with text=": "give it one",
    "give near=(level, (x, y, z)) or a token": "give --near, or --at and --level",
    "give items theirs with library.update(item, token=…)": "give items theirs by `ngdb library bootstrap`",
    "db.make_tokens(library) gives": "`ngdb library bootstrap` gives",
    "take its vector away with update(id, vector=None)": "delete it from the table embedding by `ngdb sql`",
    "read it with db.storage.item and": "read it by `ngdb kv get --json` and",
    "raise it with db.storage.quota": "raise quota_bytes in the table storage_namespace by `ngdb sql`",
    "db.events.register makes one": "an insert into the table event_type by `ngdb sql` makes one",
    "read what is there, and go on from db.events.newest as it was before": "leave --after out",
    "db.queue.create_channel(…) or publish makes it": "`ngdb queue publish` makes it",
    "db.topics.subscribe(…) makes it": "an insert into the table subscription by `ngdb sql` makes it",
    "or raise capacity with db.queue.update_channel": "or raise capacity in the table channel by `ngdb sql`",
    "or raise rate_per_s or burst with db.queue.update_channel": (
        "or raise rate_per_s or burst in the table channel by `ngdb sql`"
    ),
    "claim with more lease_s, or extend it in time": "claim with more --lease, or `ngdb queue extend` it in time",
    "use `with db.transaction():`, or db.begin(), db.commit(), db.rollback()": (
        "a query is one transaction already, and the shell (`ngdb sql FILE`) knows the word"
    ),
}
"""What stands in a message of the package → what `ngdb` says instead."""

_ADDS_ONE = re.compile(r"db\.\w+\.create\(…\) adds one")


def in_commands(message: str) -> str:
    """Return a message with the remedies that the command line has."""
    for ours, theirs in REMEDIES.items():
        message = message.replace(ours, theirs)
    return _ADDS_ONE.sub("an insert by `ngdb sql` adds one", message)
