"""NeuroGraph DB: one SQLite file for a mind.

    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     db.tokens.create("cat").label
    'cat'

Importing this package loads apsw and little else; numpy and numba come with the first answer that repays them.
``NATIVE_AVAILABLE`` is True where kernels can be used: numba is installed and ``NGDB_KERNELS=off`` is not set.
"""

from __future__ import annotations

from . import errors, log
from ._version import __version__
from .connection.result import Result
from .database import Database, open
from .errors import NeurographError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import aio, vectors
    from .codec.pca import Pca
    from .embed.convert import convert_encoder
    from .embed.engine import EmbeddingEngine
    from .flows.check import Violation
    from .flows.installation import runtime_info
    from .model.bootstrapped import Association, Associations, Bootstrapped
    from .model.connection import Connection
    from .model.constitution import Constitution
    from .model.edge import Edge, Link
    from .model.event import Event, EventType
    from .model.experience import Episode, Experience
    from .model.feedback import Change, Feedback
    from .model.field import Field, LevelInfo
    from .model.identity import Identity
    from .model.item import Hit, HitArrays, Hits, Item, Match, Matches
    from .model.message import Channel, ChannelStats, Failure, Message, Published
    from .model.proposal import (
        CreateProposal,
        DeleteProposal,
        ModifyProposal,
        PromoteProposal,
        propose_confidence,
        propose_order,
    )
    from .model.query_result import LegUsed, QueryHit, QueryLeg, QueryResult
    from .model.recall import Recall
    from .model.records import (
        Activation,
        Activations,
        Member,
        Members,
        Neighbor,
        Neighbors,
        Path,
        Score,
        Scores,
        Visit,
        Visits,
    )
    from .model.recurring import Recurring
    from .model.stored import StorageChange, StorageItem, StorageNamespace
    from .model.token import Token
    from .model.topic import Entry, SubscriptionSettings, SubscriptionStats, Topic
    from .model.vocabulary import ConnectionType, Domain, EntityType
    from .stores.graph.measures import Metrics
    from .stores.library import Library
    from .stores.storage.objects import StorageObjects
    from .stores.topics import Subscription
    from .stores.topics.consuming import EntryConsumer

    NATIVE_AVAILABLE: bool

log.logger()  # has its handler before anybody looks

del TYPE_CHECKING  # nothing but the names below is public

__all__ = [  # noqa: RUF022 - sorted as `sorted` does
    "Activation",
    "Activations",
    "Association",
    "Associations",
    "Bootstrapped",
    "Change",
    "Channel",
    "ChannelStats",
    "Connection",
    "ConnectionType",
    "Constitution",
    "Consumer",
    "CreateProposal",
    "Database",
    "DeleteProposal",
    "Domain",
    "Edge",
    "EmbeddingEngine",
    "EntityType",
    "Entry",
    "EntryConsumer",
    "Episode",
    "Event",
    "EventType",
    "Experience",
    "Failure",
    "Feedback",
    "Field",
    "Hit",
    "HitArrays",
    "Hits",
    "Identity",
    "Item",
    "LegUsed",
    "LevelInfo",
    "Library",
    "Link",
    "Match",
    "Matches",
    "Member",
    "Members",
    "Message",
    "Metrics",
    "ModifyProposal",
    "NATIVE_AVAILABLE",
    "Neighbor",
    "Neighbors",
    "NeurographError",
    "Path",
    "Pca",
    "PromoteProposal",
    "Published",
    "QueryHit",
    "QueryLeg",
    "QueryResult",
    "Recall",
    "Recurring",
    "Result",
    "Score",
    "Scores",
    "StorageChange",
    "StorageItem",
    "StorageNamespace",
    "StorageObjects",
    "Subscription",
    "SubscriptionSettings",
    "SubscriptionStats",
    "Token",
    "Topic",
    "Violation",
    "Visit",
    "Visits",
    "Worker",
    "__version__",
    "aio",
    "convert_encoder",
    "errors",
    "open",
    "propose_confidence",
    "propose_order",
    "runtime_info",
    "vectors",
]

_LAZY = {
    "Activation": "model.records",
    "Activations": "model.records",
    "Association": "model.bootstrapped",
    "Associations": "model.bootstrapped",
    "Bootstrapped": "model.bootstrapped",
    "Change": "model.feedback",
    "Channel": "model.message",
    "ChannelStats": "model.message",
    "Connection": "model.connection",
    "ConnectionType": "model.vocabulary",
    "Constitution": "model.constitution",
    "Consumer": "stores.queue.consuming",
    "CreateProposal": "model.proposal",
    "DeleteProposal": "model.proposal",
    "Domain": "model.vocabulary",
    "Edge": "model.edge",
    "EmbeddingEngine": "embed.engine",
    "EntityType": "model.vocabulary",
    "Entry": "model.topic",
    "EntryConsumer": "stores.topics.consuming",
    "Episode": "model.experience",
    "Event": "model.event",
    "EventType": "model.event",
    "Experience": "model.experience",
    "Failure": "model.message",
    "Feedback": "model.feedback",
    "Field": "model.field",
    "Hit": "model.item",
    "HitArrays": "model.item",
    "Hits": "model.item",
    "Identity": "model.identity",
    "Item": "model.item",
    "LegUsed": "model.query_result",
    "LevelInfo": "model.field",
    "Library": "stores.library",
    "Link": "model.edge",
    "Match": "model.item",
    "Matches": "model.item",
    "Member": "model.records",
    "Members": "model.records",
    "Message": "model.message",
    "Metrics": "stores.graph.measures",
    "ModifyProposal": "model.proposal",
    "Neighbor": "model.records",
    "Neighbors": "model.records",
    "Path": "model.records",
    "Pca": "codec.pca",
    "PromoteProposal": "model.proposal",
    "Published": "model.message",
    "QueryHit": "model.query_result",
    "QueryLeg": "model.query_result",
    "QueryResult": "model.query_result",
    "Recall": "model.recall",
    "Recurring": "model.recurring",
    "Score": "model.records",
    "Scores": "model.records",
    "StorageChange": "model.stored",
    "StorageItem": "model.stored",
    "StorageNamespace": "model.stored",
    "StorageObjects": "stores.storage.objects",
    "Subscription": "stores.topics",
    "SubscriptionSettings": "model.topic",
    "SubscriptionStats": "model.topic",
    "Token": "model.token",
    "Topic": "model.topic",
    "Violation": "flows.check",
    "Visit": "model.records",
    "Visits": "model.records",
    "Worker": "stores.queue.worker",
    "convert_encoder": "embed.convert",
    "propose_confidence": "model.proposal",
    "propose_order": "model.proposal",
    "runtime_info": "flows.installation",
}
"""Where the names are that not every program needs; they are loaded when they are first asked for."""


def __getattr__(name: str) -> Any:
    if name == "NATIVE_AVAILABLE":  # found, not imported: numba takes 0.3 s
        from .derived.policy import kernels_available

        return kernels_available()
    if name in {"aio", "vectors"}:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
