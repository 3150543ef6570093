"""`ngdb near`, `range`, `density`: what lies around a token or a place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue
from ..model.levels import LEVELS
from .command import PAIR, POINT, TOKEN, command, file_argument, json_option, limit_option, reading
from .graph import show
from .output import cell, write_json, write_pairs

if TYPE_CHECKING:
    from ..database import Database

level_option = click.option("--level", type=click.Choice(LEVELS), help="Within one level; else over all of them.")
one_level_option = click.option("--level", type=click.Choice(LEVELS), required=True, help="Within this level.")
place_argument = click.argument("token", type=TOKEN, required=False)
at_option = click.option("--at", type=POINT, help="A place of the level, instead of a token.")
weight_option = click.option(
    "--weight", "weights", type=PAIR, multiple=True, metavar="LEVEL=NUMBER", help="Weigh levels; may be repeated."
)
radius_option = click.option(
    "--radius", type=click.FloatRange(0), metavar="NUMBER", required=True, help="In the unit of the level."
)


@command(
    "near",
    "ngdb near mind.ngdb cat --level emotional",
    "ngdb near mind.ngdb cat -k 5 --weight emotional=2 --weight social=1",
    "ngdb near mind.ngdb --at=0.4,-0.5,0 --level emotional --json",
)
@file_argument
@place_argument
@at_option
@click.option("-k", type=click.IntRange(1), metavar="N", default=10, show_default=True, help="So many.")
@level_option
@weight_option
@click.option(
    "--max-distance",
    type=click.FloatRange(0),
    metavar="NUMBER",
    default=math.inf,
    help="Nothing farther away than this.",
)
@json_option
def near(
    file: str,
    token: int | str | None,
    at: tuple[float, ...] | None,
    k: int,
    level: str | None,
    weights: tuple[tuple[str, str], ...],
    max_distance: float,
    as_json: bool,
) -> None:
    """Find the tokens nearest to a token or a place."""
    options: dict[str, Any] = {"k": k, "level": level, "weights": _weights(weights), "max_distance": max_distance}
    with reading(file) as db:
        if token is not None and at is None:
            found = db.grid.neighbors(token, **options)
        else:
            found = db.grid.nearest(_place(db, token, at, level), **options)
        show(db, ("distance",), found, as_json=as_json, empty="nothing is near")


@command(
    "range",
    "ngdb range mind.ngdb cat --level emotional --radius 0.5",
    "ngdb range mind.ngdb --at=0,0,0 --level physical --radius 2.5 --limit 0 --json",
)
@file_argument
@place_argument
@at_option
@radius_option
@level_option
@weight_option
@limit_option
@json_option
def range_(
    file: str,
    token: int | str | None,
    at: tuple[float, ...] | None,
    radius: float,
    level: str | None,
    weights: tuple[tuple[str, str], ...],
    limit: int,
    as_json: bool,
) -> None:
    """Find all tokens within a radius, nearest first."""
    with reading(file) as db:
        where = _place(db, token, at, level)
        found = db.grid.in_range(where, radius, level=level, weights=_weights(weights))
        show(db, ("distance",), found, as_json=as_json, limit=limit, empty="nothing is in range")


@command(
    "density",
    "ngdb density mind.ngdb cat --level emotional --radius 0.5",
    "ngdb density mind.ngdb --at=0,0,0 --level physical --radius 10 --json",
)
@file_argument
@place_argument
@at_option
@radius_option
@one_level_option
@click.option(
    "--falloff",
    type=click.Choice(["linear", "quadratic", "gaussian"]),
    default="linear",
    show_default=True,
    help="How a field's influence fades with the distance.",
)
@json_option
def density(
    file: str,
    token: int | str | None,
    at: tuple[float, ...] | None,
    radius: float,
    level: str,
    falloff: str,
    as_json: bool,
) -> None:
    """Say how much there is around a token or a place.

    Tokens within the radius, tokens by volume, and what their fields add up to at the place.
    """
    with reading(file) as db:
        where = _place(db, token, at, level)
        answer = {
            "tokens": len(db.grid.in_range(where, radius, level=level)),
            "density": db.grid.density(where, radius, level=level),
            "influence": db.grid.influence(where, level=level, radius=radius, falloff=falloff),
        }
    if as_json:
        write_json(answer)
    else:
        write_pairs(((name, cell(value, 6)) for name, value in answer.items()), indent="")


def _weights(pairs: tuple[tuple[str, str], ...]) -> dict[str, float] | None:
    try:
        return {level: float(number) for level, number in pairs} or None
    except ValueError:
        raise click.UsageError(f"--weight must be LEVEL=NUMBER, got {dict(pairs)!r}") from None


def _place(db: Database, token: int | str | None, at: tuple[float, ...] | None, level: str | None) -> Any:
    """Return the place that was given: a point, a token's point in a level, or a token's points in all of them."""
    if (token is None) == (at is None):
        raise click.UsageError(f"one of TOKEN and --at must be given, got {'neither' if at is None else 'both'}")
    if token is None:
        if level is None:
            raise click.UsageError("--at must have a --level, got none")
        return at
    places = db.tokens.get(token).coordinates
    if level is None:
        return places
    if level not in places:
        raise InvalidValue(f"the token must have a place on the level {level}, got {token!r}, which has none there")
    return places[level]
