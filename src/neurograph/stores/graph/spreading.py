"""Spreading activation: what lights up when a token is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...connection.line import Line
from ...errors import InvalidValue
from ...model.records import Activations
from ..arguments import TokenLike, existing_token_id, real, token_id, whole
from . import plain
from .arrays import GraphArrays
from .base import GraphPart, TypesLike, type_codes
from .costs import refuse_negative
from .plain import Rows

MODES = ("sum", "max", "weighted_average")
MOST_ROUNDS = 100
PURPOSE = "spreading activation"


class Spreading(GraphPart):
    """Energy that spreads along edges."""

    def spread(
        self,
        token: TokenLike,
        *,
        energy: float = 1.0,
        mode: str = "sum",
        types: TypesLike = None,
        decay: float = 0.2,
        min_energy: float = 0.01,
        max_depth: int = 5,
        threshold: float = 0.1,
        budget: int | None = None,
        timeout_s: float | None = None,
    ) -> Activations:
        """Let energy spread from a token along outgoing edges, round by round.

        In each round every token that received at least `min_energy` in the round before sends, once along each of its
        outgoing edges (bidirectional ones both ways, parallel ones each), what it received in that round · weight ·
        (1 - decay). A token that receives again later sends again.

        Parameters
        ----------
        token
            The source; it is never reported itself.
        energy
            What it begins with, above 0.
        mode
            How arrivals combine: ``"sum"``, ``"max"``, or ``"weighted_average"``, (E·n + e) / (n + 1) for the arrival e
            after n others.
        types
            Follow only this type, or one of these.
        decay
            What part is lost on an edge, in [0, 1].
        min_energy
            What a token must receive in a round to send in the next, at least 0.
        max_depth
            Rounds at most, in [0, 100].
        threshold
            Report tokens of at least this energy, at least 0.
        budget
            Tokens to touch at most, the source included; None for any number. The first arrival at one too many, in
            order of round, sender's id and its edges, ends the spreading; what came before it counts.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Activations
            (id, energy, depth, path) in order of energy, the highest first, then id. The path explains the energy: it
            leads from the source to the token along the largest arrival at each.

        Raises
        ------
        TokenNotFound
            There is no such token.
        InvalidValue
            A parameter is out of its range; an edge that is followed has a negative weight, whether it is met or not.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(count=4)
        ...     _ = db.graph.create_many([1, 1, 2, 3], [2, 3, 4, 4], weight=[0.5, 0.5, 1.0, 1.0])
        ...     [(id, round(energy, 2), path) for id, energy, _, path in db.graph.spread(1)]
        [(4, 0.64, (1, 2, 4)), (2, 0.4, (1, 2)), (3, 0.4, (1, 3))]

        Notes
        -----
        Grows with the edges of the tokens that send.
        """
        start_energy, share = real(energy, "energy"), real(decay, "decay", 0.0, 1.0)
        least, report = real(min_energy, "min_energy", 0.0), real(threshold, "threshold", 0.0)
        if not start_energy > 0:
            raise InvalidValue(f"energy must be above 0, got {energy!r}")
        if mode not in MODES:
            raise InvalidValue(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        combine: Any = mode
        rounds = whole(max_depth, "max_depth", 0, MOST_ROUNDS)
        most = None if budget is None else whole(budget, "budget", 1)

        def question(line: Line) -> Activations:
            source = token_id(line.connection, token)
            codes = type_codes(line.connection, types)

            def by_arrays(arrays: GraphArrays) -> Activations:
                from ...kernels.adjacency import allowed_kinds
                from ...kernels.graph_spread import run_spread

                slot, graph, allowed = self._slot(line, arrays, source), arrays.adjacency, allowed_kinds(codes)
                graph.refuse_negative(allowed, PURPOSE)
                if slot < 0:
                    return Activations([], [], [], _no_path, 1, int(start_energy >= least and rounds > 0))
                found = run_spread(
                    graph, slot, start_energy, combine, allowed, decay=share, min_energy=least,
                    max_depth=rounds, threshold=report, budget=most, scratch=self._scratch(line), tick=line.tick,
                )  # fmt: skip
                ids = graph.ids

                def path(at: int) -> tuple[int, ...]:
                    return tuple(ids[found.path(at)].tolist())

                return Activations(found.ids, found.energies, found.depths, path, found.touched, found.rounds)

            def by_rows(limit: int) -> Activations:
                existing_token_id(line.connection, source)
                refuse_negative(line.connection, codes, PURPOSE)
                rows = Rows(line.connection, "out", codes, line.tick, limit)
                ends, touched, done = plain.spread(
                    rows, source, start_energy, mode, 1.0 - share, least, rounds, most or plain.UNLIMITED
                )
                ends = [end for end in ends if end.energy >= report]
                ends.sort(key=lambda end: (-end.energy, end.id))
                paths: list[Callable[[], tuple[int, ...]]] = [end.path for end in ends]
                return Activations(
                    [end.id for end in ends],
                    [end.energy for end in ends],
                    [end.depth for end in ends],
                    lambda at: paths[at](),
                    touched,
                    done,
                )

            return self._answer(line, by_arrays, by_rows)

        return self._ask(question, timeout_s)


def _no_path(at: int) -> tuple[int, ...]:
    raise IndexError(at)
