"""`ngdb links`, `bfs`, `path`, `spread`, `pagerank`, `components`: what following edges finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from .command import (
    TOKEN,
    command,
    direction_option,
    file_argument,
    json_option,
    limit_option,
    reading,
    types_option,
)
from .output import note, records, terminal_width, write_json, write_records, write_table

if TYPE_CHECKING:
    from ..database import Database

token_argument = click.argument("token", type=TOKEN)


def labels_of(db: Database, ids: Iterable[int]) -> dict[int, str | None]:
    """Return the label of each token that has one, by id."""
    import json

    rows = db.execute(
        "select id, label from token where id in (select value from json_each(?))",
        [json.dumps([int(id) for id in ids])],
    )
    return dict(rows)


def show(
    db: Database,
    columns: tuple[str, ...],
    found: Sequence[Any],
    *,
    as_json: bool,
    limit: int = 0,
    empty: str = "nothing",
) -> None:
    """Write the first records (0: all) that begin with an id, with the label after it."""
    rows = [tuple(record) for record in (found[:limit] if limit else found)]
    labels = labels_of(db, (row[0] for row in rows))
    rows = [(row[0], labels.get(row[0]), *row[1:]) for row in rows]
    write_records(("id", "label", *columns), rows, as_json=as_json, total=len(found), empty=empty)


@command(
    "links",
    "ngdb links mind.ngdb cat",
    "ngdb links mind.ngdb cat --direction both --type hypernym --json",
)
@file_argument
@token_argument
@direction_option
@types_option
@limit_option
@json_option
def links(file: str, token: int | str, direction: str, types: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List the edges of a token."""
    with reading(file) as db:
        found = db.graph.links(token, direction=direction, types=types or None)
        links = [(link.id, link.type, link.key, link.weight) for link in found]
        show(db, ("type", "key", "weight"), links, as_json=as_json, limit=limit, empty="no edges")


@command(
    "bfs",
    "ngdb bfs mind.ngdb cat --depth 2",
    "ngdb bfs mind.ngdb animal --direction in --type hypernym --limit 0 --json",
)
@file_argument
@token_argument
@click.option("--depth", type=click.IntRange(0), metavar="N", help="Go at most so many edges; else all the way.")
@direction_option
@types_option
@limit_option
@json_option
def bfs(
    file: str, token: int | str, depth: int | None, direction: str, types: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """Find what a token leads to, nearest first."""
    with reading(file) as db:
        found = db.graph.bfs(token, max_depth=depth, direction=direction, types=types or None)
        show(db, ("depth",), found, as_json=as_json, limit=limit)


@command(
    "path",
    "ngdb path mind.ngdb cat animal",
    "ngdb path mind.ngdb cat animal --cost hops --direction both --json",
)
@file_argument
@click.argument("source", type=TOKEN)
@click.argument("target", type=TOKEN)
@click.option(
    "--cost",
    type=click.Choice(["inverse_weight", "weight", "hops"]),
    default="inverse_weight",
    show_default=True,
    help="What an edge costs: 1/weight, its weight, or 1.",
)
@click.option("--cutoff", type=float, metavar="NUMBER", help="The most a path may cost.")
@direction_option
@types_option
@json_option
def path(
    file: str,
    source: int | str,
    target: int | str,
    cost: str,
    cutoff: float | None,
    direction: str,
    types: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find the cheapest path from one token to another.

    Where there is none, JSON says null.
    """
    with reading(file) as db:
        found = db.graph.shortest_path(
            source, target, cost=cost, direction=direction, types=types or None, cutoff=cutoff
        )
        labels = labels_of(db, found.ids if found else ())
    if found is None:
        if as_json:
            write_json(None)
        else:
            note("no path")
        return
    columns = ("id", "label", "by", "cost")
    steps = zip(found.ids, (None, *found.types), found.costs, strict=True)
    rows = [(id, labels.get(id), by, cost_so_far) for id, by, cost_so_far in steps]
    if as_json:
        write_json({"hops": found.hops, "cost": found.cost, "steps": records(columns, rows)})
    else:
        write_table(columns, rows, digits=6, width=terminal_width())


@command(
    "spread",
    "ngdb spread mind.ngdb cat",
    "ngdb spread mind.ngdb cat --energy 2 --decay 0.5 --mode max --limit 50 --json",
)
@file_argument
@token_argument
@click.option("--energy", type=float, metavar="NUMBER", default=1.0, show_default=True, help="What the token is given.")
@click.option(
    "--decay",
    type=click.FloatRange(0, 1),
    metavar="NUMBER",
    default=0.2,
    show_default=True,
    help="What part is lost on each edge.",
)
@click.option(
    "--depth", type=click.IntRange(0, 100), metavar="N", default=5, show_default=True, help="At most so many rounds."
)
@click.option(
    "--mode",
    type=click.Choice(["sum", "max", "weighted_average"]),
    default="sum",
    show_default=True,
    help="How what arrives at a token combines.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0),
    metavar="NUMBER",
    default=0.1,
    show_default=True,
    help="List what received at least this.",
)
@types_option
@limit_option
@json_option
def spread(
    file: str,
    token: int | str,
    energy: float,
    decay: float,
    depth: int,
    mode: str,
    threshold: float,
    types: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    """Let activation spread, and list what received most.

    The path beside each token explains its energy: the way along which most of it came.
    """
    options: dict[str, Any] = {"energy": energy, "decay": decay, "max_depth": depth, "mode": mode}
    with reading(file) as db:
        found = db.graph.spread(token, threshold=threshold, types=types or None, **options)
        shown = list(found[:limit] if limit else found)
        labels = labels_of(db, {id for reached in shown for id in (reached.id, *reached.path)})
    columns = ("id", "label", "energy", "depth", "path")
    rows = []
    for id, reached, rounds, steps in shown:
        way = [labels.get(step) or f"#{step}" for step in steps]
        rows.append((id, labels.get(id), reached, rounds, way if as_json else " > ".join(way)))
    write_records(columns, rows, as_json=as_json, total=len(found), empty="it reached nothing")


@command(
    "pagerank",
    "ngdb pagerank mind.ngdb",
    "ngdb pagerank mind.ngdb --from cat --from dog --limit 5 --json",
)
@file_argument
@click.option("--from", "start", type=TOKEN, multiple=True, help="Rank as seen from this token; may be repeated.")
@click.option(
    "--damping",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="NUMBER",
    default=0.85,
    show_default=True,
    help="How likely a walk follows an edge instead of jumping.",
)
@types_option
@limit_option
@json_option
def pagerank(
    file: str, start: tuple[int | str, ...], damping: float, types: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """Rank the tokens by how much leads to them."""
    with reading(file) as db:
        options: dict[str, Any] = {"personalization": dict.fromkeys(start, 1.0)} if start else {}
        found = db.graph.pagerank(damping=damping, types=types or None, **options)
        ranked = sorted(found, key=lambda score: (-score.score, score.id))
        show(db, ("score",), ranked, as_json=as_json, limit=limit, empty="no tokens")


@command(
    "components",
    "ngdb components mind.ngdb",
    "ngdb components mind.ngdb --strong --type calls --limit 5",
)
@file_argument
@click.option("--strong", is_flag=True, help="Only what can be reached both ways belongs together.")
@types_option
@limit_option
@json_option
def components(file: str, strong: bool, types: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List the parts of the graph, largest first.

    Tokens that edges join, in whatever direction, are of one part; a part is named by its smallest id.
    """
    with reading(file) as db:
        found = db.graph.components(strong=strong, types=types or None)
        sizes = Counter(member.component for member in found)
        parts = sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))
        show(db, ("tokens",), parts, as_json=as_json, limit=limit, empty="no tokens")
