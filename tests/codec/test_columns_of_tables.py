"""The records speak the words of the tables: a field and its column have one name."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from neurograph.codec import cdna384
from neurograph.codec.connection64 import ConnectionRecord
from neurograph.codec.connection64_arrays import ConnectionColumns
from neurograph.codec.token64 import TokenRecord
from neurograph.codec.token64_arrays import TokenColumns
from neurograph.model.levels import COORDINATE_COLUMNS, LEVELS

SCHEMA = Path(__file__).resolve().parents[2] / "schema"


@pytest.fixture(scope="module")
def db() -> apsw.Connection:
    db = apsw.Connection(":memory:")
    for path in sorted(SCHEMA.glob("*.sql")):
        db.execute(path.read_text(encoding="utf-8")).fetchall()
    return db


def columns(db: apsw.Connection, table: str) -> set[str]:
    return {name for (name,) in db.execute("select name from pragma_table_info(?)", [table])}


def test_token_records_have_the_columns_of_token(db: apsw.Connection) -> None:
    own = {"coordinates", "type_in_flags"}
    assert TokenColumns._fields == TokenRecord._fields
    assert set(TokenRecord._fields) - own | set(COORDINATE_COLUMNS) <= columns(db, "token")


def test_connection_records_have_the_columns_of_connection(db: apsw.Connection) -> None:
    aims = {f"aim_{level}" for level in LEVELS}
    assert ConnectionColumns._fields == ConnectionRecord._fields
    assert columns(db, "connection") - set(ConnectionRecord._fields) == aims | {"id", "key"}


def test_constitutions_have_the_columns_of_cdna_but_for_the_pull_limits(db: apsw.Connection) -> None:
    versions = {"version", "profile", "trial_deadline_ns", "trial", "parent", "action", "actor", "reason", "checksum"}
    assert columns(db, "cdna") - set(cdna384.COLUMNS) - versions == {"min_pull", "max_pull"}
    assert set(cdna384.COLUMNS) - columns(db, "cdna") == {"modified_ns"}
