"""The original system's 64-byte records of connections, both ways: one, and arrays of them.

1. A record keeps the smaller id first. Whether that swapped source and target stands beside it, never in it: keep it,
   or the direction is lost.
2. A record's ids are those of token records. `tokens` says which token has which; without it, a token is known by its
   `legacy_id`, or by its own id together with its type and domain.
3. The record holds neither the edge's weight nor its key nor its properties.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import apsw

from ...codec.connection64 import FIELDS
from ...errors import InvalidValue
from ...model.connection import AIM_COLUMNS, Connection
from ..arguments import key_text
from . import columns
from .base import ConnectionLike, connection_id, connection_ids
from .many import INF, ManyConnections
from .record_ids import TokenMap, record_ids, token_ids
from .values import REALS

if TYPE_CHECKING:
    import numpy as np

    from ...codec.connection64_arrays import ConnectionColumns

_FIELDS = {name: "float64" if kind in ("unit", "real") else "int64" for name, kind, _ in FIELDS}


class RecordedConnections(ManyConnections):
    """Connections as the original system's records."""

    def to_bytes(
        self, connection: ConnectionLike, *, tokens: TokenMap = None, clip: bool = False
    ) -> tuple[bytes, bool]:
        """Return a connection as the original system's 64-byte record, and whether its ends stand there swapped.

        Parameters
        ----------
        connection
            A `Connection` (read again) or an id.
        tokens
            Ids of tokens and the 32-bit ids of their records, (n,) each; None composes them as `Tokens.to_bytes` does.
        clip
            Store the nearest value the record holds instead of refusing one that does not fit.

        Returns
        -------
        record : bytes
            64 of them.
        swapped : bool
            True: the record's first id is the target. The record can't say it.

        Raises
        ------
        ConnectionNotFound
            There is no such connection.
        IdNotRepresentable
            The id of an end does not fit.
        InvalidValue
            Another value does not fit, a type of a user's own among them.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = (db.tokens.create(label, entity_type="concept") for label in ("cat", "dog"))
        ...     fears = db.connections.create(dog, cat, type="fears")
        ...     record, swapped = db.connections.to_bytes(fears)
        ...     len(record), record[:9].hex(" ", 4), swapped
        (64, '01 00000502 00000584', True)
        """
        records, swapped = self.to_bytes_many([connection_id(connection)], tokens=tokens, clip=clip)
        return records.tobytes(), bool(swapped[0])

    def to_bytes_many(
        self,
        connections: Iterable[ConnectionLike] | np.ndarray | None = None,
        *,
        tokens: TokenMap = None,
        clip: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return many connections as records, and which of them have their ends swapped.

        Parameters
        ----------
        connections
            Records or ids; None for every connection.
        tokens, clip
            As for `to_bytes`.

        Returns
        -------
        records : (n, 64) uint8
            In the order given, or by id.
        swapped : (n,) bool
            True: the record's first id is the target.

        Raises
        ------
        ConnectionNotFound, IdNotRepresentable, InvalidValue
            As for `to_bytes`; the message names the connection by its ends.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.tokens.create_many(count=3, entity_type="object")
        ...     _ = db.connections.create_many(ids[[0, 2]], ids[[1, 0]])
        ...     records, swapped = db.connections.to_bytes_many()
        ...     records.shape, swapped.tolist()
        ((2, 64), [False, True])

        Notes
        -----
        Grows with n, 4 µs each; memory too, 1.5 kB each.
        """
        import numpy as np

        from ...codec.connection64_arrays import ConnectionColumns, encode_many

        names = ["source", "target", *_FIELDS, *AIM_COLUMNS]
        sql = f"select id, {', '.join(names)} from connection"
        with self._session.reading() as line:
            if connections is None:
                rows: Any = line.connection.execute(f"{sql} order by id").fetchall()
            else:
                ids, _ = connection_ids(connections)
                found: Any = line.connection.execute(
                    f"{sql} where id in (select value from carray(?))", (apsw.carray(ids),)
                ).fetchall() if ids else ()  # fmt: skip
                known = {row[0]: row for row in found}
                if not all(id in known for id in ids):
                    raise self._missing(ids)
                rows = [known[id] for id in ids]
            given: dict[str, Any] = (
                dict(zip(names, [*zip(*rows, strict=True)][1:], strict=True)) if rows else dict.fromkeys(names, ())
            )
            given["last_activation_ns"] = tuple(time or 0 for time in given["last_activation_ns"])
            source, target = (np.array(given[side], np.int64) for side in ("source", "target"))
            source, target = record_ids(line.connection, tokens, source, target)
        fields: dict[str, Any] = {name: np.array(given[name], dtype) for name, dtype in _FIELDS.items()}
        aim = np.array([given[name] for name in AIM_COLUMNS], np.float64).T.reshape(-1, len(AIM_COLUMNS))
        return encode_many(ConnectionColumns(source, target, **fields, aim=aim), clip=clip)

    def from_bytes(
        self,
        record: bytes,
        *,
        swapped: bool = False,
        tokens: TokenMap = None,
        key: str = "",
        weight: float | None = None,
    ) -> Connection:
        """Create a connection from one of the original system's 64-byte records and return it.

        Parameters
        ----------
        record
            64 bytes.
        swapped
            True: the record's first id is the target, as `to_bytes` said.
        tokens
            Ids of tokens and the 32-bit ids of their records, (n,) each. None finds a token by its `legacy_id`, or by
            its own id with its type and domain.
        key, weight
            Of the edge, of which the record knows nothing; see `create`.

        Returns
        -------
        Connection
            The connection as stored, with a new id.

        Raises
        ------
        TokenNotFound
            No token has an id of the record.
        InvalidValue
            There are not 64 bytes, or a value can't be.
        Conflict
            The edge has a connection already.
        RuleViolated
            The constitution refuses it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = (db.tokens.create(label, entity_type="concept") for label in ("cat", "dog"))
        ...     record, swapped = db.connections.to_bytes(db.connections.create(dog, cat, type="fears"))
        ...     db.connections.from_bytes(record, swapped=swapped, key="copy")
        <Connection 2 2 → 1 fears 'copy' learnable confidence=0.502>
        """
        if isinstance(record, bytes | bytearray | memoryview) and len(record) != 64:
            raise InvalidValue(f"record must have 64 bytes, got {len(record)}")
        import numpy as np

        turned = np.array([swapped], np.bool_)
        (id,) = self.from_bytes_many(record, swapped=turned, tokens=tokens, key=key, weight=weight).tolist()
        return self._read(id)

    def from_bytes_many(
        self,
        records: bytes | np.ndarray,
        *,
        swapped: np.ndarray | None = None,
        tokens: TokenMap = None,
        key: str = "",
        weight: Any = None,
    ) -> np.ndarray:
        """Create connections from the original system's records, in one transaction, and return their ids.

        Parameters
        ----------
        records
            (n, 64) uint8, or the bytes of n records one after the other. Not modified.
        swapped
            (n,) bool as `to_bytes_many` gave it; None: all run from the smaller id to the larger.
        tokens
            As for `from_bytes`.
        key
            Of all edges.
        weight
            Of the edges: one number or n; None as for `create`.

        Returns
        -------
        numpy.ndarray
            (n,) int64, in the order given.

        Raises
        ------
        TokenNotFound, InvalidValue, Conflict, RuleViolated
            As for `from_bytes`; the message names the record. Nothing was created.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db, neurograph.open(":memory:") as other:
        ...     ids = db.tokens.create_many(["a", "b"], entity_type="concept")
        ...     _ = db.connections.create_many(ids[1:], ids[:1])
        ...     _ = other.tokens.from_bytes_many(db.tokens.to_bytes_many()[0], ["a", "b"])
        ...     records, swapped = db.connections.to_bytes_many()
        ...     other.connections.get_many(other.connections.from_bytes_many(records, swapped=swapped))
        [<Connection 1 2 → 1 associated_with learnable confidence=0.502>]
        """
        from ...codec.connection64_arrays import decode_many

        decoded = decode_many(records, swapped=swapped)
        with self._session.transaction():
            connection = self._session.writer.connection
            source, target = token_ids(connection, tokens, decoded.source, decoded.target)
            source, target = columns.ends(connection, source, target)
            n = len(source)
            values = {name: getattr(decoded, name).tolist() for name in _FIELDS if name not in REALS}
            values |= {name: columns.reals(name, _reals(name, decoded), n, *REALS[name]) for name in REALS}
            values |= {name: decoded.aim[:, at].tolist() for at, name in enumerate(AIM_COLUMNS)}
            values["last_activation_ns"] = [time or None for time in values["last_activation_ns"]]
            kinds = values.pop("type")
            weights = columns.reals("weight", weight, n, -INF, INF)
            places = (source.tolist(), kinds, target.tolist(), [key_text(key)] * n)
            return self._insert_many(places, (weights, None, None), values)


def _reals(name: str, decoded: ConnectionColumns) -> np.ndarray:
    """Return a column; a distance that a record's float32 rounded below the least there is, is the least."""
    import numpy as np

    column: np.ndarray = getattr(decoded, name)
    if name == "preferred_distance":
        least = REALS[name][0]
        return np.where(column == np.float32(least), least, column)
    return column
