"""What the parts of the token store share: the session, the statement that reads a token, checks of single values."""

from __future__ import annotations

from ...connection.session import Session
from ...errors import InvalidValue, TokenNotFound
from ...model.token import TOKEN_COLUMNS, Token
from ...model.vocabulary import DOMAIN_CODES, ENTITY_TYPE_CODES, FIRST_USER_CODE
from ..arguments import TokenLike, bindable, closest_labels, row_id, session_code

# The names of users' own types and domains end the row; `Token` knows the reserved ones.
RECORD = f"""
    {", ".join(TOKEN_COLUMNS)},
    case when entity_type > 15 then (select name from entity_type where code = token.entity_type) end,
    case when domain > 15 then (select name from domain where code = token.domain) end"""
BY_ID = f"select {RECORD} from token where id = ?"
BY_LABEL = f"select {RECORD} from token where label = ?"
RESERVED = {"entity_type": ENTITY_TYPE_CODES, "domain": DOMAIN_CODES}


class TokenPart:
    """One part of the token store; the parts share one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _code(self, table: str, name: str | int) -> tuple[int, str | None]:
        """Return the code of an entity type or a domain, and its name where it is a user's own."""
        code = RESERVED[table].get(name) if isinstance(name, str) else None
        if code is not None:
            return code, None
        code = session_code(self._session, table, name)
        if code < FIRST_USER_CODE:
            return code, None
        return code, self._session.rows(f"select name from {table} where code = ?", (code,))[0][0]


def key_of(token: TokenLike) -> tuple[str, int | str | None]:
    """Return the condition that finds a token, and its binding."""
    if isinstance(token, str):
        return "label = ?", bindable(token)
    return "id = ?", token.id if isinstance(token, Token) else row_id(token, "token")


def not_found(session: Session, token: TokenLike) -> TokenNotFound:
    """Return the error for a token that is not there; for a label it names what is close."""
    if not isinstance(token, str):
        return TokenNotFound(f"no token has the id {token.id if isinstance(token, Token) else token!r}")
    with session.reading() as line:
        return TokenNotFound(f"no token has the label {token!r}{closest_labels(line.connection, token)}")


def checked_label(label: object) -> str | None:
    """Return a label, or None; refuse what no text column holds and what a dump would cut."""
    if label is None:
        return None
    if not isinstance(label, str) or not label or "\x00" in label:
        raise InvalidValue(f"label must be None, or a string of at least one character without NUL, got {label!r}")
    if not label.isascii():
        encodable(label, "label")
    return label


def encodable(text: str, what: str) -> None:
    """Refuse text with a lone surrogate, which UTF-8 has no bytes for."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"{what} must be text that UTF-8 can hold, got {text!r}") from None
