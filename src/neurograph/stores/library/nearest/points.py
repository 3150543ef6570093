"""What was measured of approximate searches, and how a file keeps it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from ....model.typed import NamedTuple

MOST_CANDIDATES = 49_152  # that a file may ask for: as many as are ever measured
MOST_PARTITIONS = 65_535  # likewise: more than a library has


class Point(NamedTuple):
    """What a number of candidates reaches."""

    k: int
    recall: float
    candidates: int
    mean: float
    first_percentile: float
    partitions: int = 0
    """Of which the candidates are taken; 0 for all. Where there are no candidates all rows there are looked at."""


class Calibration(NamedTuple):
    """What was measured of a library."""

    sample: int
    points: tuple[Point, ...]
    """In order of k, then recall."""
    partitioning: int = 0
    """The id of that which arrays lay by, 0 for none: of others nothing is known."""
    probes: tuple[Point, ...] = ()
    """Points by partitions, where these are cheaper; likewise."""
    scans: tuple[Point, ...] = ()
    """Points without candidates, for whoever has codes, where these are cheaper still; likewise."""

    def point(self, k: int, recall: float, codes: bool = False) -> Point | None:
        """Return the cheapest point that holds for `k` and `recall`, or None where no number of candidates does."""
        best = _least(self.points, k, recall)
        for cheaper in (self.probes, self.scans if codes else ()):
            point = _least(cheaper, k, recall)
            if point and (best is None or point[:2] <= best[:2]):
                best = point
        return best


def _least(points: tuple[Point, ...], k: int, recall: float) -> Point | None:
    return next((point for point in points if point.k >= k and point.recall >= recall), None)


def points_text(calibration: Calibration) -> str:
    """Return points as text: five numbers each, six with the partitions, and one alone, the partitioning's id."""
    import json

    every = calibration.points + calibration.probes + calibration.scans
    points = [point[: 6 if point.partitions else 5] for point in every]
    return json.dumps([*points, [calibration.partitioning]])


def read_points(sample: int, text: str) -> Calibration:
    """Return what a file says, whoever wrote it; what is no point is passed over."""
    import json

    try:
        rows: Any = json.loads(text)
    except (ValueError, RecursionError):
        rows = []
    rows = rows if isinstance(rows, list) else []
    lists = [row for row in rows if isinstance(row, list) and all(isinstance(x, int | float) for x in row)]
    points = sorted(Point(*row) for row in lists if len(row) in (5, 6) and _sound(Point(*row)))
    partitioning = next((row[0] for row in lists if len(row) == 1 and isinstance(row[0], int)), 0)
    kinds = [
        tuple(point for point in points if (point.partitions > 0, point.candidates > 0) == kind)
        for kind in ((False, True), (True, True), (True, False))
    ]
    return Calibration(sample, kinds[0], partitioning, *kinds[1:])


def _sound(point: Point) -> bool:
    """Tell whether numbers from a file can be a point."""
    whole = all(isinstance(x, int) for x in (point.k, point.candidates, point.partitions))
    shares = all(0.0 <= x <= 1.0 for x in (point.recall, point.mean, point.first_percentile))
    some = 1 <= point.k <= point.candidates <= MOST_CANDIDATES and 0 <= point.partitions <= MOST_PARTITIONS
    every = point.k >= 1 and point.candidates == 0 and 1 <= point.partitions <= MOST_PARTITIONS
    return whole and shares and (some or every)


def nonces_blob(nonces: dict[int, int]) -> bytes:
    """Return chunks and their nonces as bytes: int64, little-endian, one after the other."""
    from struct import pack

    return b"".join(pack("<qq", *pair) for pair in sorted(nonces.items()))


def read_nonces(marks: bytes) -> dict[int, int]:
    """Return chunks and their nonces, none where the bytes are not of both."""
    from struct import iter_unpack

    return dict(iter_unpack("<qq", marks)) if len(marks) % 16 == 0 else {}
