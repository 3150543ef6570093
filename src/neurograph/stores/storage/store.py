"""`db.storage`: values in JSON under a namespace and a key."""

from __future__ import annotations

from .many import Many
from .namespaces import Namespaces
from .objects import StorageObjects
from .single import Single
from .watching import Watching


class Storage(Single, Many, Namespaces, Watching):
    """Values in JSON under a namespace and a key, in the same file and the same transactions as everything else.

    What has expired is there for no read. Rules hold on every path: a stock shell reads the view ``stored``, and writes
    the table ``storage``.
    """

    def objects(self) -> StorageObjects:
        """Return this storage as one whose values are all dicts, with the original service's methods and texts.

        Returns
        -------
        StorageObjects
            It reads and writes the same values.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.storage.objects().set("devices", "lamp", {"on": True})
        ...     db.storage.get("devices", "lamp")
        {'on': True}
        """
        return StorageObjects(self, self._session)
