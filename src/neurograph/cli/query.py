"""`ngdb query`: one question to vectors, words, graph and space, and what each of them says to the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .command import PAIR, POINT, TOKEN, command, file_argument, json_option, reading
from .grid import level_option
from .library_options import attach, condition, encoder_option, require_words
from .meaning import VECTOR, short
from .output import note, terminal_width, write_json, write_table
from .remedies import in_commands

if TYPE_CHECKING:
    from ..model.query_result import QueryHit

LEGS = click.Choice(["vector", "text", "graph", "space"])


@command(
    "query",
    'ngdb query mind.ngdb "how do cats sleep"',
    'ngdb query mind.ngdb "small feline" --library notes --leg vector --leg text --weight text=2',
    "ngdb query mind.ngdb kitten --near cat --level emotional --json",
)
@file_argument
@click.argument("query", required=False)
@click.option("--vector", type=VECTOR, help="Numbers with commas between them, or - for those of stdin.")
@click.option("--library", "libraries", metavar="NAME", multiple=True, help="Ask only this one; may be repeated.")
@click.option("--leg", "legs", type=LEGS, multiple=True, help="Only this one, which must answer; may be repeated.")
@click.option(
    "--weight", "weights", type=PAIR, multiple=True, metavar="LEG=NUMBER", help="Weigh legs; may be repeated."
)
@click.option(
    "--fusion",
    type=click.Choice(["rrf", "weighted"]),
    default="rrf",
    show_default=True,
    help="What the legs' rankings become one by: their ranks, or their own figures.",
)
@click.option("--near", type=TOKEN, help="For the leg 'space': near this token.")
@click.option("--at", type=POINT, help="For the leg 'space': near this place of --level.")
@level_option
@click.option(
    "--graph",
    type=click.Choice(["spread", "pagerank"]),
    default="spread",
    show_default=True,
    help="What the leg 'graph' does from the best hits of the others.",
)
@click.option("-k", type=click.IntRange(1), metavar="N", default=10, show_default=True, help="So many.")
@click.option("--where", metavar="SQL", help="Only what this holds for, on columns of item and of token.")
@encoder_option
@json_option
def query(
    file: str,
    query: str | None,
    libraries: tuple[str, ...],
    legs: tuple[str, ...],
    weights: tuple[tuple[str, str], ...],
    near: int | str | None,
    at: tuple[float, ...] | None,
    level: str | None,
    model: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Ask vectors, words, graph and space at once.

    What one leg finds, or several do, is one list, in which each hit tells every leg's rank and its share of the score.
    """
    if model is not None and len(libraries) != 1:
        raise click.UsageError(f"--model needs one --library, got {len(libraries)}")
    require_words(query=query)
    place = _place(near, at, level)
    with reading(file) as db, condition(options["where"]):
        named = [attach(db.library.get(name), model) for name in libraries]
        found = db.query(
            query, library=named or None, legs=legs or None, weights=_weights(weights), near=place, **options
        )
    if as_json:
        write_json(found.to_dict())
        return
    if found:
        rows = [(hit.kind, hit.id, hit.label, hit.score, _told(hit), short(hit.text)) for hit in found]
        write_table(("kind", "id", "label", "score", "legs", "text"), rows, digits=6, width=terminal_width())
    else:
        note("nothing is found")
    for leg, why in found.left_out.items():
        if leg != "space" or place is not None:
            note(f"without {leg}: {in_commands(why)}")


def _told(hit: QueryHit) -> str:
    """Return how each leg came to a hit: its rank, and its share of the score."""
    return ", ".join(f"{leg.leg} {leg.rank} ({leg.share:.0%})" for leg in hit.legs)


def _place(near: int | str | None, at: tuple[float, ...] | None, level: str | None) -> Any:
    """Return where the leg 'space' looks, or None."""
    if near is not None and at is not None:
        raise click.UsageError("--near and --at exclude each other")
    if (at is None) != (level is None) and near is None:
        raise click.UsageError("--at and --level go together")
    where = near if at is None else at
    return where if level is None else (level, where)


def _weights(pairs: tuple[tuple[str, str], ...]) -> dict[str, float] | None:
    try:
        return {leg: float(number) for leg, number in pairs} or None
    except ValueError:
        raise click.UsageError(f"--weight must be LEG=NUMBER, got {dict(pairs)!r}") from None
