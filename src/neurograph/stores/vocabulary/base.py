"""What the three vocabularies share: words with a code and a name, ours below 256, users' own above."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from ...connection.session import Session
from ...errors import Conflict, InvalidValue, NotFound, RuleViolated, UnknownName
from ...model.vocabulary import FIRST_USER_CODE, LAST_CODE
from ..arguments import session_code, whole

Word = TypeVar("Word", bound=tuple[Any, ...])
WordLike = str | int


class Vocabulary(Generic[Word]):
    """One vocabulary. A word is given by its name or its code."""

    _table: str
    _columns: str

    def __init__(self, session: Session) -> None:
        self._session = session

    def _word(self, row: tuple[Any, ...]) -> Word:
        raise AssertionError("every vocabulary says for itself")

    def _create(self, name: str, code: int | None, values: Mapping[str, Any]) -> int:
        """Insert a user's own word and return its code: the one after the largest, or the least that is free."""
        text = _name(name)
        if code is not None:
            whole(code, "code", FIRST_USER_CODE, LAST_CODE)
        with self._session.transaction():
            if self._session.rows(f"select 1 from {self._table} where name = ?", (text,)):
                raise Conflict(f"name must be unique, got {name!r}, which is a word of {self._table} already")
            number = self._free_code() if code is None else code
            try:
                self._session.change(
                    f"insert into {self._table} (code, name{''.join(', ' + column for column in values)}) "
                    f"values (?, ?{', ?' * len(values)})",
                    (number, text, *values.values()),
                )
            except Conflict:
                raise Conflict(f"code must be unique, got {number}, which is a word of {self._table} already") from None
            return number

    def _free_code(self) -> int:
        code = self._session.rows(f"select max(coalesce(max(code), 0) + 1, {FIRST_USER_CODE}) from {self._table}")[0][0]
        if code <= LAST_CODE:
            return int(code)
        rows = self._session.rows(
            f"""select min(w.code + 1)
                  from (select {FIRST_USER_CODE - 1} as code
                         union all
                        select code from {self._table} where code >= {FIRST_USER_CODE}) as w
                 where w.code < {LAST_CODE} and w.code + 1 not in (select code from {self._table})"""
        )
        if rows[0][0] is None:
            raise InvalidValue(f"{self._table} must have at most {LAST_CODE + 1} words; delete one that is not used")
        return int(rows[0][0])

    def get(self, word: WordLike) -> Word:
        """Return a word by its name or its code.

        Parameters
        ----------
        word
            The name or the code.

        Raises
        ------
        UnknownName
            There is no such word; the message names the closest.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.domains.get("general").code, db.entity_types.get(5).name
        (0, 'concept')
        """
        code = session_code(self._session, self._table, word)
        return self._word(self._session.rows(f"select {self._columns} from {self._table} where code = ?", (code,))[0])

    def list(self, *, own: bool | None = None) -> list[Word]:
        """Return the words in order of code.

        Parameters
        ----------
        own
            True for users' own alone, False for ours alone, None for all.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.domains.create("music")
        ...     db.domains.list(own=True)
        [Domain(code=256, name='music')]
        """
        where = "" if own is None else f"where code {'>=' if own else '<'} {FIRST_USER_CODE}"
        sql = f"select {self._columns} from {self._table} {where} order by code"
        return [self._word(row) for row in self._session.rows(sql)]

    def delete(self, word: WordLike) -> None:
        """Delete a user's own word that nothing uses.

        Parameters
        ----------
        word
            The name or the code.

        Raises
        ------
        UnknownName
            There is no such word.
        RuleViolated
            It is one of ours, or something uses it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.connection_types.create("rhymes_with")
        ...     db.connection_types.delete("rhymes_with")
        ...     "rhymes_with" in db.connection_types
        False

        Notes
        -----
        Looks at every token, or every edge, for one that uses the word.
        """
        code = session_code(self._session, self._table, word)
        try:
            if not self._session.change(f"delete from {self._table} where code = ? returning 1", (code,)):
                raise NotFound(f"no word of {self._table} has the code {code}; somebody deleted it just now")
        except RuleViolated as error:
            raise RuleViolated(f"{error}, got {word!r}", error.rule) from error

    def _update(self, word: WordLike, name: str | None, values: dict[str, Any]) -> Word:
        if name is not None:
            values = {"name": _name(name), **values}
        with self._session.transaction():
            code = session_code(self._session, self._table, word)
            if values:
                sets = ", ".join(f"{column} = ?" for column in values)
                try:
                    self._session.change(f"update {self._table} set {sets} where code = ?", (*values.values(), code))
                except RuleViolated as error:
                    raise RuleViolated(f"{error}, got {word!r}", error.rule) from error
                except Conflict:
                    raise Conflict(f"name must be unique, got {name!r}, which is another word already") from None
            return self.get(code)

    def __contains__(self, word: WordLike) -> bool:
        try:
            return session_code(self._session, self._table, word) >= 0
        except UnknownName:
            return False

    def __iter__(self) -> Iterator[Word]:
        return iter(self.list())

    def __len__(self) -> int:
        return int(self._session.rows(f"select count(*) from {self._table}")[0][0])

    def __repr__(self) -> str:
        own: builtins.list[Word] = self.list(own=True)
        return f"<{type(self).__name__}: {len(self)} words, {len(own)} of them users' own>"


def _name(name: object) -> str:
    """Return a name that a text column holds whole."""
    try:
        if not isinstance(name, str) or not name or "\x00" in name:
            raise TypeError
        name.encode()
    except (TypeError, UnicodeEncodeError):
        raise InvalidValue(
            f"name must be text of at least one character that UTF-8 can hold, without NUL, got {name!r}"
        ) from None
    return name


def truth(value: object, what: str) -> int:
    """Return a bool as 0 or 1."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{what} must be True or False, got {value!r}")
    return int(value)
