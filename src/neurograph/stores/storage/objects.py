"""Storage where every value is an object, with the names and texts of the service that programs may come from."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from ...errors import InvalidValue, NotAnObject
from . import texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...connection.scope import Transaction
    from ...connection.session import Session
    from .store import Storage


class StorageObjects:
    """Storage whose values are all dicts: made by `Storage.objects`.

    It reads and writes the same values as `Storage`. Checks come in the original's order, the value first, and say what
    its programs look for: "value must be dict", "namespace must be non-empty string", "key must be non-empty string".
    Unlike the original it checks in every method, refuses NaN and keys of objects that are no strings, and lists keys
    in order. It has no ``close``: the database is closed by whoever opened it, as `Database.close` does.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     objects = db.storage.objects()
    ...     with objects.transaction():
    ...         objects.set("devices", "lamp", {"on": True})
    ...         objects.batch_set("devices", {"fan": {}, "door": {"open": False}})
    ...     objects.list_keys("devices"), objects.get("devices", "lamp"), objects.delete("devices", "fan")
    ...     objects.clear_namespace("devices")
    (['door', 'fan', 'lamp'], {'on': True}, True)
    """

    def __init__(self, storage: Storage, session: Session) -> None:
        self._storage = storage
        self._session = session

    def get(self, namespace: str, key: str) -> dict[str, Any] | None:
        """Return an object, or None.

        Parameters
        ----------
        namespace, key
            Non-empty strings.

        Returns
        -------
        dict or None
            None where nothing is stored, or it has expired.

        Raises
        ------
        InvalidValue
            A name is none.
        NotAnObject
            What is stored there is no object: `Storage` stored it, or SQL.
        """
        _name(namespace, "namespace")
        _name(key, "key")
        value = self._storage.get(namespace, key)
        return value if value is None or isinstance(value, dict) else _object(value)

    def set(self, namespace: str, key: str, value: dict[str, Any]) -> None:
        """Store an object, whatever is there.

        Parameters
        ----------
        namespace, key
            Non-empty strings.
        value
            A dict that JSON can say.

        Raises
        ------
        NotAnObject
            The value is no dict.
        InvalidValue
            A name is none, or JSON can't say the value.
        """
        _object(value)
        _name(namespace, "namespace")
        _name(key, "key")
        self._storage.set(namespace, key, value)

    def delete(self, namespace: str, key: str) -> bool:
        """Delete an object and return whether it was there.

        Parameters
        ----------
        namespace, key
            Non-empty strings.

        Returns
        -------
        bool
            False where nothing was stored.

        Raises
        ------
        InvalidValue
            A name is none.
        """
        _name(namespace, "namespace")
        _name(key, "key")
        return self._storage.delete(namespace, key)

    def list_keys(self, namespace: str) -> builtins.list[str]:
        """Return the keys of a namespace in order.

        Parameters
        ----------
        namespace
            A non-empty string.

        Returns
        -------
        list of str
            By code points.

        Raises
        ------
        InvalidValue
            The name is none.
        """
        _name(namespace, "namespace")
        return self._storage.keys(namespace)

    def clear_namespace(self, namespace: str) -> None:
        """Delete all objects of a namespace.

        Parameters
        ----------
        namespace
            A non-empty string.

        Raises
        ------
        InvalidValue
            The name is none.
        """
        _name(namespace, "namespace")
        self._storage.clear(namespace)

    def batch_set(self, namespace: str, items: dict[str, dict[str, Any]]) -> None:
        """Store several objects, all or none.

        Parameters
        ----------
        namespace
            A non-empty string.
        items
            Key → dict.

        Raises
        ------
        NotAnObject
            `items` or one of its values is no dict.
        InvalidValue
            A name is none, or JSON can't say a value.
        """
        if not isinstance(items, dict):
            raise NotAnObject(f"items must be dict, got {items!r}")
        for value in items.values():
            _object(value)
        _name(namespace, "namespace")
        for key in items:
            _name(key, "key")
        self._storage.set_many(namespace, items)

    def transaction(self) -> Transaction:
        """Return a context whose writes happen all together or not at all, as `Database.transaction` does.

        Returns
        -------
        context manager
            For a ``with`` block.
        """
        return self._session.transaction()

    def transaction_callback(self, function: Callable[[StorageObjects], Any]) -> Any:
        """Call a function with this storage in a transaction, and return what it returns.

        Parameters
        ----------
        function
            Called with this object; what it raises undoes what was written, and is raised. With asyncio it is called on
            the loop, and may be a coroutine function.

        Returns
        -------
        any
            What the function returned.

        Raises
        ------
        InvalidValue
            Without asyncio: it returned an awaitable, which nobody would await. Nothing is kept.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     objects = db.storage.objects()
        ...     objects.transaction_callback(lambda storage: storage.set("devices", "lamp", {"on": True}))
        ...     objects.get("devices", "lamp")
        {'on': True}
        """
        from inspect import isawaitable, iscoroutine  # 5 ms

        with self.transaction():
            found = function(self)
            if isawaitable(found):
                if iscoroutine(found):
                    found.close()
                raise InvalidValue(
                    f"function must be no coroutine function here, got {function!r}; that of neurograph.aio awaits it"
                )
            return found


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise NotAnObject(f"value must be dict, got {value!r}")


def _name(value: Any, what: str) -> None:
    try:
        texts.name(value, what)
    except InvalidValue:
        raise InvalidValue(f"{what} must be non-empty string, got {value!r}") from None
