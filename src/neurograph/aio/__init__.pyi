"""The engine for asyncio. Made by `python tests/aio/make_stub.py` from its signatures: don't edit."""

import builtins
import numpy as np
import os as os
import networkx as networkx
from collections.abc import Callable, Collection, Coroutine, Generator, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from neurograph.aio.queues import Consumer as Consumer, Worker as Worker
from neurograph.aio.scopes import Scope as Scope
from neurograph.aio.streams import Stream as Stream
from neurograph.codec.pca import Pca
from neurograph.connection.explanation import Explanation
from neurograph.connection.result import Result, Row
from neurograph.connection.session import Bindings
from neurograph.embed.engine import EmbeddingEngine
from neurograph.flows.check.invariant import Violation
from neurograph.flows.feedback.feedbacks import What
from neurograph.flows.optimize import Optimized
from neurograph.model.bootstrapped import Associations, Bootstrapped, MadeTokens, PlacedWords, Woven
from neurograph.model.connection import Connection
from neurograph.model.constitution import Constitution, Trial, Validation, Value
from neurograph.model.edge import Edge, Link
from neurograph.model.event import Event, EventType
from neurograph.model.experience import Episode, Experience
from neurograph.model.feedback import Feedback
from neurograph.model.field import Field, LevelInfo
from neurograph.model.identity import Identity
from neurograph.model.item import Hit, HitArrays, Hits, Item, Match, Matches
from neurograph.model.message import Channel, ChannelStats, Failure, Message, Published
from neurograph.model.proposal import Proposal
from neurograph.model.query_result import QueryResult
from neurograph.model.recall import Recall
from neurograph.model.records import Activations, Members, Neighbors, Path, Scores, Visits
from neurograph.model.recurring import Recurring
from neurograph.model.stored import StorageChange, StorageItem, StorageNamespace
from neurograph.model.token import Token
from neurograph.model.topic import Entry, SubscriptionSettings, SubscriptionStats, Topic
from neurograph.model.vocabulary import ConnectionType, Domain, EntityType
from neurograph.progress import Told
from neurograph.stores.arguments import TokenLike
from neurograph.stores.connections.base import ConnectionLike
from neurograph.stores.connections.forces import LevelLike, Many, Weights
from neurograph.stores.connections.listing import TypesLike
from neurograph.stores.connections.record_ids import TokenMap
from neurograph.stores.connections.values import Aim, Flags, Levels
from neurograph.stores.edge_place import TypeLike
from neurograph.stores.graph.base import TypesLike as TypesLikeOfGraph
from neurograph.stores.graph.costs import Cost
from neurograph.stores.graph.measures import Metrics
from neurograph.stores.graph.paths import Step
from neurograph.stores.grid.base import PointLike
from neurograph.stores.grid.base import LevelLike as LevelLikeOfGrid
from neurograph.stores.grid.base import Weights as WeightsOfGrid
from neurograph.stores.grid.search import Where as WhereOfGrid
from neurograph.stores.json_conditions import Conditions
from neurograph.stores.library.base import ItemLike
from neurograph.stores.library.partitions.build import OptimizedLibrary
from neurograph.stores.property_index import PropertyIndex
from neurograph.stores.tokens.place import Coordinates
from neurograph.stores.vocabulary.base import WordLike
from neurograph.stores.where import Where
from numpy.typing import ArrayLike
from types import EllipsisType, TracebackType
from typing import Any, Literal, SupportsIndex, overload

__all__ = [
    "Cdna",
    "ConnectionTypes",
    "Connections",
    "Consumer",
    "Database",
    "Domains",
    "EntityTypes",
    "Events",
    "Experiences",
    "Feedbacks",
    "Graph",
    "Grid",
    "Libraries",
    "Library",
    "Opening",
    "Queue",
    "Scope",
    "SemanticGrid",
    "Storage",
    "StorageObjects",
    "Stream",
    "Subscription",
    "Tokens",
    "Topics",
    "Worker",
    "open",
]

class Cdna:
    """The asyncio form of `neurograph`'s `Cdna`."""

    async def allow_type(self, *types: str | int, reason: str='', actor: str='') -> Constitution:
        """Allow edges of connection types."""
    async def at(self, when: int | datetime) -> Constitution:
        """Return a version by its number, or the one that was in force at a time."""
    async def confirm(self, *, force: bool=False, reason: str='', actor: str='') -> Constitution:
        """Keep the change on trial, by a new version equal to it."""
    async def create_profile(self, name: str, *, based_on: str | None='default', **fields: Any) -> dict[str, Value]:
        """Create a profile of your own."""
    async def current(self) -> Constitution:
        """Return the version in force."""
    async def delete_profile(self, name: str) -> None:
        """Remove a profile of your own; versions made from it stay as they are."""
    async def diff(self, a: int | Constitution, b: int | Constitution | None=None) -> dict[str, tuple[Value, Value]]:
        """Return what changed from one version to another."""
    async def flags(self) -> frozenset[str]:
        """Return the names of the flags that are on: of validation, events, mutation and strict."""
    async def forbid_type(self, *types: str | int, reason: str='', actor: str='') -> Constitution:
        """Refuse new edges of connection types; those that exist stay."""
    async def from_bytes(self, record: bytes, *, reason: str='', actor: str='') -> Constitution:
        """Put a 384-byte record in force, as a new version."""
    async def history(self, limit: int=100, after: int | None=None) -> list[Constitution]:
        """Return versions, newest first."""
    @property
    def on_trial(self) -> Coroutine[Any, Any, bool]:
        """True while a change is on trial."""
    async def profile(self, name: str) -> dict[str, Value]:
        """Return the fields of a profile."""
    async def profiles(self) -> list[str]:
        """Return the names of the profiles, in alphabetical order."""
    async def reset(self, *, reason: str='', actor: str='') -> Constitution:
        """Go back to the profile `default`."""
    async def revert(self, *, reason: str='', actor: str='') -> Constitution:
        """End the trial now, by a new version equal to the one before it."""
    async def scales(self) -> dict[str, float]:
        """Return the weight of each level in distances over several, by name of the level."""
    async def set_flags(self, *, validation: bool | None=None, events: bool | None=None, mutation: bool | None=None, strict: bool | None=None, reason: str='', actor: str='') -> Constitution:
        """Switch flags on or off."""
    async def set_profile(self, name: str, *, reason: str='', actor: str='') -> Constitution:
        """Put the fields of a profile in force."""
    async def to_bytes(self, version: int | None=None) -> bytes:
        """Return a version as the 384-byte record."""
    async def trial_status(self) -> Trial | None:
        """Return what the trial under way has cost so far, or None."""
    async def try_out(self, *, profile: str | None=None, duration_s: float=300.0, broken_connections: int=10, churn: float=0.3, growth: float=0.2, reason: str='', actor: str='', **fields: Any) -> Constitution:
        """Put a change in force for a while; it ends by itself unless `confirm` is called."""
    async def update(self, *, reason: str='', actor: str='', **fields: Any) -> Constitution:
        """Change some fields and keep the others."""
    async def update_scales(self, scales: Any, *, reason: str='', actor: str='') -> Constitution:
        """Change the weight of levels in distances over several."""
    async def validate(self, scales: Any=None, **fields: Any) -> Validation:
        """Tell what an update would say, without making it."""
    @property
    def version(self) -> Coroutine[Any, Any, int]:
        """The number of the version in force."""

class ConnectionTypes:
    """The asyncio form of `neurograph`'s `ConnectionTypes`."""

    async def create(self, name: str, *, mutability: str | int='learnable', code: int | None=None, allowed: bool=True) -> int:
        """Add a connection type of your own and return its code."""
    async def delete(self, word: WordLike) -> None:
        """Delete a user's own word that nothing uses."""
    async def get(self, word: WordLike) -> ConnectionType:
        """Return a word by its name or its code."""
    async def list(self, *, own: bool | None=None) -> builtins.list[ConnectionType]:
        """Return the words in order of code."""
    async def update(self, word: WordLike, *, name: str | None=None, mutability: str | int | None=None, allowed: bool | None=None) -> ConnectionType:
        """Rename a connection type of your own, give it another mutability, allow or forbid it, and return it."""
    def __aiter__(self) -> Stream[ConnectionType]: ...

class Connections:
    """The asyncio form of `neurograph`'s `Connections`."""

    @overload
    async def activate(self, connections: ConnectionLike, n: int=1, *, now_ns: int | None=None) -> int: ...
    @overload
    async def activate(self, connections: Iterable[ConnectionLike] | np.ndarray, n: int=1, *, now_ns: int | None=None) -> np.ndarray: ...
    async def apply(self, proposal: Proposal, *, now_ns: int | None=None) -> Connection:
        """Carry out a proposal and return the connection."""
    async def count(self, *, token: TokenLike | None=None, source: TokenLike | None=None, target: TokenLike | None=None, types: TypesLike=None, mutability: str | int | None=None, active: bool | None=None) -> int:
        """Return how many connections there are, or how many a filter leaves."""
    async def create(self, source: TokenLike, target: TokenLike, *, type: TypeLike='associated_with', key: str='', weight: float | None=None, bidirectional: bool | None=None, rigidity: float=0.5, pull: float | None=None, preferred_distance: float=1.0, active_levels: Levels=(), flags: Flags=(), mutability: str | int | None=None, confidence: float | None=None, learning_rate: float=0.125, decay_rate: float=0.0625, origin: int=0, aim: Aim | None=None, properties: Mapping[str, Any] | None=None, now_ns: int | None=None) -> Connection:
        """Create a connection, and its edge where there is none, and return it."""
    async def create_many(self, source: Any, target: Any, *, type: TypeLike | Sequence[TypeLike] | np.ndarray='associated_with', key: str | Sequence[str]='', weight: Any=None, bidirectional: Any=None, rigidity: Any=0.5, pull: Any=None, preferred_distance: Any=1.0, active_levels: Levels | np.ndarray=(), flags: Flags | np.ndarray=(), mutability: str | int | Sequence[str | int] | np.ndarray | None=None, confidence: Any=0.5, learning_rate: Any=0.125, decay_rate: Any=0.0625, origin: Any=0, aim: Aim | np.ndarray | None=None, properties: Mapping[str, Any] | Sequence[Mapping[str, Any] | None] | None=None, now_ns: int | None=None) -> np.ndarray:
        """Create many connections, with the edges that are not there yet: all of them or none."""
    async def decay(self, connections: ConnectionLike | Iterable[ConnectionLike] | np.ndarray | None=None, *, now_ns: int | None=None) -> int:
        """Let hypotheses lose confidence for the hours that passed since they last changed."""
    async def delete(self, connection: ConnectionLike, *, keep_edge: bool=False) -> None:
        """Delete a connection and its edge."""
    @overload
    async def force(self, connections: ConnectionLike, *, distance: float | None=None, level: LevelLike | Iterable[LevelLike] | None=None, weights: Weights=None) -> float: ...
    @overload
    async def force(self, connections: Many | np.ndarray, *, distance: Any=None, level: LevelLike | Iterable[LevelLike] | None=None, weights: Weights=None) -> np.ndarray: ...
    async def from_bytes(self, record: bytes, *, swapped: bool=False, tokens: TokenMap=None, key: str='', weight: float | None=None) -> Connection:
        """Create a connection from one of the original system's 64-byte records and return it."""
    async def from_bytes_many(self, records: bytes | np.ndarray, *, swapped: np.ndarray | None=None, tokens: TokenMap=None, key: str='', weight: Any=None) -> np.ndarray:
        """Create connections from the original system's records, in one transaction, and return their ids."""
    @overload
    async def get(self, connection: ConnectionLike) -> Connection: ...
    @overload
    async def get(self, connection: TokenLike, target: TokenLike, *, type: TypeLike='associated_with', key: str='') -> Connection: ...
    async def get_many(self, connections: Iterable[ConnectionLike] | np.ndarray) -> builtins.list[Connection]:
        """Return many connections in the given order."""
    async def list(self, *, token: TokenLike | None=None, source: TokenLike | None=None, target: TokenLike | None=None, types: TypesLike=None, mutability: str | int | None=None, active: bool | None=None, limit: int | None=100, offset: int=0, after: ConnectionLike | None=None) -> builtins.list[Connection]:
        """Return connections in order of id."""
    @overload
    async def potential(self, connections: ConnectionLike, *, distance: float | None=None, level: LevelLike | Iterable[LevelLike] | None=None, weights: Weights=None) -> float: ...
    @overload
    async def potential(self, connections: Many | np.ndarray, *, distance: Any=None, level: LevelLike | Iterable[LevelLike] | None=None, weights: Weights=None) -> np.ndarray: ...
    async def to_bytes(self, connection: ConnectionLike, *, tokens: TokenMap=None, clip: bool=False) -> tuple[bytes, bool]:
        """Return a connection as the original system's 64-byte record, and whether its ends stand there swapped."""
    async def to_bytes_many(self, connections: Iterable[ConnectionLike] | np.ndarray | None=None, *, tokens: TokenMap=None, clip: bool=False) -> tuple[np.ndarray, np.ndarray]:
        """Return many connections as records, and which of them have their ends swapped."""
    async def update(self, connection: ConnectionLike, *, source: TokenLike | None=None, target: TokenLike | None=None, type: TypeLike | None=None, key: str | None=None, weight: float | None=None, bidirectional: bool | None=None, rigidity: float | None=None, pull: float | None=None, preferred_distance: float | None=None, active_levels: Levels | None=None, flags: Flags | None=None, mutability: str | int | None=None, confidence: float | None=None, learning_rate: float | None=None, decay_rate: float | None=None, origin: int | None=None, aim: Aim | None=None, properties: Mapping[str, Any] | None=None, now_ns: int | None=None) -> Connection:
        """Change what is given and return the connection; None keeps what it has."""
    @overload
    async def update_confidence(self, connections: ConnectionLike, success: bool, *, now_ns: int | None=None) -> float: ...
    @overload
    async def update_confidence(self, connections: Iterable[ConnectionLike] | np.ndarray, success: Any, *, now_ns: int | None=None) -> np.ndarray: ...

class Database:
    """The asyncio form of `neurograph`'s `Database`."""

    async def associate(self, words: TokenLike | ItemLike | Sequence[TokenLike | ItemLike], k: int=10, *, library: Library | str | None=None, combine: str='sum', energy: float=1.0, decay: float=0.2, max_depth: int=3, min_energy: float=0.01, mode: str='sum', types: TypesLikeOfGraph=None, timeout_s: float | None=None) -> Associations:
        """Find what words bring to mind: energy spreads from each through the graph, and is combined."""
    async def bootstrap(self, library: Library | str, *, tokens: bool=True, place: bool=True, weave: bool=True, k: int=5, decay: float=0.1, type: TypeLike='similar_to', entity_type: str | int | None='concept', domain: str | int | None=None, where: Where | None=None, on_conflict: str='ignore', weights: str='update', progress: bool | Told=False) -> Bootstrapped:
        """Make a mind of a library: a token for each item, its place in space, links to what is near."""
    @property
    def cdna(self) -> Cdna:
        """The constitution: the limits every writer meets, and the history of what they were."""
    async def check(self, *, limit: int=100) -> list[Violation]:
        """Audit the file and return what is wrong; an empty list when it is sound."""
    @property
    def closed(self) -> bool:
        """True after `close`."""
    @property
    def connection_types(self) -> ConnectionTypes:
        """What an edge and a connection may mean: our 176 types, and your own."""
    @property
    def connections(self) -> Connections:
        """The connections: edges that pull, learn and fade."""
    @property
    def domains(self) -> Domains:
        """Where a token may belong: our domains, and your own."""
    async def drop_derived(self) -> int:
        """Delete saved arrays, partitions and kept vectors of texts; return how many. No exact answer changes."""
    async def drop_index(self, name: str) -> None:
        """Drop an index on a JSON property."""
    @property
    def entity_types(self) -> EntityTypes:
        """What a token may be: our entity types, and your own."""
    @property
    def events(self) -> Events:
        """The events: what happened, in order."""
    async def execute(self, sql: str, bindings: Bindings=None, *, timeout_s: float | None=None) -> Result:
        """Run SQL and return its rows, already fetched."""
    async def executemany(self, sql: str, rows: Iterable[Any], *, timeout_s: float | None=None) -> None:
        """Run SQL once for each of `rows`, all in one transaction."""
    @property
    def experience(self) -> Experiences:
        """The experience: states, actions, and what they were worth."""
    async def explain(self, sql: str, bindings: Bindings=None, *, timeout_s: float | None=None) -> Explanation:
        """Return how a statement is answered: SQLite's plan, what was read, and which paths were taken inside."""
    @property
    def feedback(self) -> Feedbacks:
        """Feedback on answers: what was said, what it changed, and the way back."""
    @property
    def graph(self) -> Graph:
        """The graph: edges between tokens, and what following them finds."""
    @property
    def grid(self) -> Grid:
        """The space: who is near, and what is felt where."""
    async def index(self, table: str, path: str, *, unique: bool=False, name: str | None=None) -> str:
        """Create an index on a JSON property, unless it is there, and return its name."""
    async def indexes(self) -> list[PropertyIndex]:
        """Return the indexes on JSON properties, by name: (name, table, path, unique) each."""
    def interrupt(self) -> None:
        """Stop what is running, from another thread; the stopped calls raise `Interrupted`."""
    @property
    def library(self) -> Libraries:
        """The libraries: vector spaces, and who is near in them."""
    async def make_tokens(self, library: Library | str, *, entity_type: str | int | None='concept', domain: str | int | None=None, where: Where | None=None, on_conflict: str='ignore', progress: bool | Told=False) -> MadeTokens:
        """Give each item of a library a token: the one that has its key as label, or a new one."""
    async def optimize(self, *, budget_bytes: int=...) -> Optimized:
        """Leave the file so that the next process answers fast: save arrays, refresh statistics, give pages back."""
    @property
    def path(self) -> str:
        """The absolute path of the file, or ``":memory:"``."""
    async def place_tokens(self, library: Library | str, *, reach: float=3.27, on_conflict: str='ignore', progress: bool | Told=False) -> PlacedWords:
        """Place the items of a library by its principal components, and their tokens in the level ``abstract``."""
    async def query(self, query: str | ArrayLike | bytes | None=None, k: int=10, *, text: str | None=None, vector: ArrayLike | bytes | None=None, library: str | Library | Iterable[str | Library] | None=None, legs: str | Iterable[str] | None=None, weights: Mapping[str, float] | None=None, fusion: str='rrf', near: TokenLike | tuple[str | int, Sequence[float] | TokenLike] | None=None, where: Where | None=None, graph: str='spread', seeds: int=5, depth: int=1, decay: float=0.8, candidates: int | None=None, standing: float=1.0, timeout_s: float | None=None) -> QueryResult:
        """Ask vectors, words, graph and space one question, and return what they find together, explained."""
    @property
    def queue(self) -> Queue:
        """The queue: messages that are claimed, worked on and acked."""
    async def reader(self) -> Database:
        """Return a second handle on the same database that only reads, to be closed on its own."""
    def snapshot(self) -> Scope:
        """Return a context whose reads all see one state, without holding the write lock; it refuses writes."""
    @property
    def storage(self) -> Storage:
        """The storage: a value in JSON for each namespace and key."""
    def stream(self, sql: str, bindings: Bindings=None, *, timeout_s: float | None=None) -> Stream[Row]:
        """Return an iterator over the rows of a reading statement, without holding them all."""
    @property
    def tokens(self) -> Tokens:
        """The tokens: what the mind holds."""
    @property
    def topics(self) -> Topics:
        """Topics: a log, and subscriptions that each get all of it that they ask for."""
    def transaction(self) -> Scope:
        """Return a context in which everything written is kept together, or undone together on an error."""
    async def weave(self, library: Library | str, *, k: int=5, decay: float=0.1, type: TypeLike='similar_to', key: str | None=None, max_distance: float=..., where: Where | None=None, on_conflict: str='update', resume: bool=False, progress: bool | Told=False, timeout_s: float | None=None) -> Woven:
        """Link each token of a library to those of the items nearest to its own."""
    @property
    def in_transaction(self) -> bool:
        """True where the running task has a transaction open."""
    async def close(self, *, portable: bool = False) -> None:
        """Wait for calls that run, and close the file; a second call does nothing."""
    async def __aenter__(self) -> Database: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class Domains:
    """The asyncio form of `neurograph`'s `Domains`."""

    async def create(self, name: str, *, code: int | None=None) -> int:
        """Add a domain of your own and return its code."""
    async def delete(self, word: WordLike) -> None:
        """Delete a user's own word that nothing uses."""
    async def get(self, word: WordLike) -> Domain:
        """Return a word by its name or its code."""
    async def list(self, *, own: bool | None=None) -> builtins.list[Domain]:
        """Return the words in order of code."""
    async def update(self, word: WordLike, *, name: str) -> Domain:
        """Rename a domain of your own and return it."""
    def __aiter__(self) -> Stream[Domain]: ...

class EntityTypes:
    """The asyncio form of `neurograph`'s `EntityTypes`."""

    async def create(self, name: str, *, code: int | None=None, allowed: bool=True) -> int:
        """Add an entity type of your own and return its code."""
    async def delete(self, word: WordLike) -> None:
        """Delete a user's own word that nothing uses."""
    async def get(self, word: WordLike) -> EntityType:
        """Return a word by its name or its code."""
    async def list(self, *, own: bool | None=None) -> builtins.list[EntityType]:
        """Return the words in order of code."""
    async def update(self, word: WordLike, *, name: str | None=None, allowed: bool | None=None) -> EntityType:
        """Rename an entity type of your own, allow or forbid it, and return it."""
    def __aiter__(self) -> Stream[EntityType]: ...

class Events:
    """The asyncio form of `neurograph`'s `Events`."""

    async def archive(self, path: str | os.PathLike[str], type: str='*', *, keep: int | None=None, older_than_s: float | None=None, before: int | None=None) -> int:
        """Write the oldest events of these types to a file, then delete them, and return how many that were."""
    async def count(self, type: str='*', *, where: Conditions | None=None, since_ns: int | None=None, until_ns: int | None=None, after: int=0, timeout_s: float | None=None) -> int:
        """Return how many events there are."""
    async def disable(self, type: str) -> builtins.list[str]:
        """Let no events of these types be written any more; what was written stays."""
    async def emit(self, type: str, data: Mapping[str, Any] | None=None) -> int | None:
        """Write an event, in the caller's transaction or one of its own."""
    async def emit_many(self, type: str, data: Iterable[Mapping[str, Any]]) -> int:
        """Write an event for each of `data`, all or none, and return how many that were."""
    async def enable(self, type: str) -> builtins.list[str]:
        """Let events of these types be written from now on, for every writer of the file."""
    @property
    def newest(self) -> Coroutine[Any, Any, int]:
        """The id of the newest event; 0 where nothing ever happened."""
    def read(self, type: str='*', *, where: Conditions | None=None, since_ns: int | None=None, until_ns: int | None=None, after: int=0, limit: int | None=None, order: str='oldest', timeout_s: float | None=None) -> Stream[Event]:
        """Yield events that had happened when it was called."""
    async def register(self, type: str, description: str | None=None) -> EventType:
        """Make an event type, and return it; where it is there already, change its description."""
    def subscribe(self, type: str='*', *, where: Conditions | None=None, after: int | None=None, timeout_s: float | None=None) -> Stream[Event]:
        """Yield events as they are committed, by this process or another, in order."""
    async def trim(self, type: str='*', *, keep: int | None=None, older_than_s: float | None=None, before: int | None=None) -> int:
        """Delete the oldest events of these types, and return how many that were."""
    async def types(self, type: str='*') -> builtins.list[EventType]:
        """Return event types in order of id."""

class Experiences:
    """The asyncio form of `neurograph`'s `Experiences`."""

    async def appraise(self, experience: Experience | int, rewards: Mapping[str, float] | None=None, *, final: bool=False) -> Experience:
        """Set parts of the reward of an experience, later than it was recorded."""
    async def archive(self, path: str | os.PathLike[str], *, keep: int | None=None, older_than_s: float | None=None, before: int | None=None) -> int:
        """Write the oldest experiences to a file, then delete them, and return how many that were."""
    async def count(self, type: str='*', *, episode: int | None=None, since_ns: int | None=None, until_ns: int | None=None, min_reward: float | None=None, timeout_s: float | None=None) -> int:
        """Return how many experiences there are."""
    async def episodes(self, *, after: int | None=None, limit: int | None=100, timeout_s: float | None=None) -> builtins.list[Episode]:
        """Return episodes in order of their number."""
    async def get(self, experience: Experience | int) -> Experience:
        """Return an experience by its id."""
    def read(self, type: str='*', *, episode: int | None=None, since_ns: int | None=None, until_ns: int | None=None, min_reward: float | None=None, after: int=0, limit: int | None=None, order: str='oldest', timeout_s: float | None=None) -> Stream[Experience]:
        """Yield experiences in order of id."""
    async def record(self, state: Sequence[float] | Mapping[str, float], action: Sequence[float] | None=None, *, episode: int | None=None, step: int | None=None, type: str='action.completed', flags: int | Iterable[str]=0, rewards: Mapping[str, float] | None=None, policy_hash: int | None=None, intent: str | None=None, executor: str | None=None, parameters: Mapping[str, Any] | None=None) -> Experience:
        """Record what was done in what state, in the caller's transaction or one of its own."""
    async def record_many(self, states: Sequence[Sequence[float] | Mapping[str, float]], actions: Sequence[Sequence[float]] | None=None, *, rewards: Sequence[Mapping[str, float] | None] | None=None, episode: int | None=None, type: str='action.completed', flags: int | Iterable[str]=0, policy_hash: int | None=None) -> builtins.list[int]:
        """Record the steps of one episode in one transaction, and return their ids."""
    async def sample(self, k: int, by: str='uniform', *, alpha: float=1.0, decay: float=0.01, seed: int | None=None, type: str='*', episode: int | None=None, since_ns: int | None=None, until_ns: int | None=None, min_reward: float | None=None, timeout_s: float | None=None) -> builtins.list[Experience]:
        """Draw experiences by chance, none twice."""
    async def trim(self, *, keep: int | None=None, older_than_s: float | None=None, before: int | None=None) -> int:
        """Delete the oldest experiences, but those with the flag ``persist``, and return how many that were."""

class Feedbacks:
    """The asyncio form of `neurograph`'s `Feedbacks`."""

    async def count(self) -> int:
        """Return how much feedback there is, undone included."""
    async def get(self, id: int) -> Feedback:
        """Return feedback by its id."""
    async def give(self, result: QueryResult, kind: str, of: What=0, *, value: What | None=None, strength: float=1.0, now_ns: int | None=None) -> Feedback:
        """Say something of a query's result, and let the mind learn from it."""
    async def list(self, limit: int | None=100, *, after: int=0) -> builtins.list[Feedback]:
        """Return feedback in order of id, undone included."""
    async def undo(self, feedback: int | Feedback, *, missing: str='error', now_ns: int | None=None) -> Feedback:
        """Put back, byte for byte, every value that feedback changed; the feedback stays, as undone."""

class Graph:
    """The asyncio form of `neurograph`'s `Graph`."""

    async def bfs(self, token: TokenLike, *, max_depth: int | None=None, direction: str='out', types: TypesLikeOfGraph=None, timeout_s: float | None=None) -> Visits:
        """Find everything within some number of edges of a token, nearest first."""
    async def clustering(self, *, types: TypesLikeOfGraph=None, timeout_s: float | None=None) -> Scores:
        """Compute how much the neighbors of each token are linked among themselves."""
    async def components(self, *, strong: bool=False, types: TypesLikeOfGraph=None, timeout_s: float | None=None) -> Members:
        """Find what hangs together."""
    async def count(self, *, source: TokenLike | None=None, target: TokenLike | None=None, types: TypesLikeOfGraph=None) -> int:
        """Return how many edges there are, with the filters of `list`."""
    async def create(self, source: TokenLike, target: TokenLike, *, type: TypeLike='associated_with', key: str='', weight: float=1.0, bidirectional: bool=False, properties: Mapping[str, Any] | None=None) -> Edge:
        """Create an edge and return it."""
    async def create_many(self, source: Any, target: Any, *, type: TypeLike | Sequence[TypeLike]='associated_with', key: str | Sequence[str]='', weight: Any=1.0, bidirectional: Any=False, properties: Sequence[Mapping[str, Any] | str | None] | None=None, on_conflict: str='error') -> int:
        """Create many edges at once: all of them or none."""
    async def degree(self, token: TokenLike, *, direction: str='both') -> int:
        """Return how many edges a token has."""
    async def delete(self, source: TokenLike, target: TokenLike, *, type: TypeLike='associated_with', key: str='') -> None:
        """Delete an edge, and the connection that extends it."""
    async def dfs(self, token: TokenLike, *, max_depth: int | None=None, direction: str='out', types: TypesLikeOfGraph=None, timeout_s: float | None=None) -> Visits:
        """Visit everything a token leads to, each branch to its end before the next."""
    async def distances(self, source: TokenLike, *, cost: Cost='inverse_weight', direction: str='out', types: TypesLikeOfGraph=None, cutoff: float | None=None, timeout_s: float | None=None) -> Neighbors:
        """Find what the cheapest path to every token costs."""
    async def entries(self, token: TokenLike, *, direction: str='out', types: TypesLikeOfGraph=None) -> builtins.list[tuple[int, int, str, float]]:
        """Return what `links` returns as plain tuples, types as codes: (id, type, key, weight)."""
    async def from_networkx(self, graph: networkx.Graph, *, nodes: Mapping[Hashable, TokenLike], type: str | int='associated_with') -> int:
        """Create the edges of a networkx graph: all of them or none."""
    async def get(self, source: TokenLike, target: TokenLike, *, type: TypeLike='associated_with', key: str='') -> Edge:
        """Return the edge from `source` to `target` of that type and key."""
    async def links(self, token: TokenLike, *, direction: str='out', types: TypesLikeOfGraph=None) -> builtins.list[Link]:
        """Return the edges of a token, each seen from it, in order of the other end, type and key."""
    async def list(self, *, source: TokenLike | None=None, target: TokenLike | None=None, types: TypesLikeOfGraph=None, limit: int | None=100, offset: int=0) -> builtins.list[Edge]:
        """Return edges in order of source, type, target and key."""
    async def metrics(self, *, types: TypesLikeOfGraph=None, sources: int | None=64, timeout_s: float | None=None) -> Metrics:
        """Return figures about the whole graph."""
    async def neighborhood(self, token: TokenLike, *, hops: int=1, direction: str='both', types: TypesLikeOfGraph=None, timeout_s: float | None=None) -> np.ndarray:
        """Return the ids of the tokens within `hops` edges, ascending, the token itself included."""
    async def neighbors(self, token: TokenLike, *, direction: str='out', types: TypesLikeOfGraph=None) -> np.ndarray:
        """Return the ids of the tokens a token is linked to, each once, ascending, as int64."""
    async def pagerank(self, *, damping: float=0.85, personalization: Mapping[TokenLike, float] | None=None, types: TypesLikeOfGraph=None, tol: float=1e-08, max_iter: int=200, timeout_s: float | None=None) -> Scores:
        """Compute how often a walk is at each token that follows edges by weight and now and then jumps."""
    async def shortest_path(self, source: TokenLike, target: TokenLike, *, cost: Cost='inverse_weight', direction: str='out', types: TypesLikeOfGraph=None, cutoff: float | None=None, timeout_s: float | None=None) -> Path | None:
        """Find the cheapest path from one token to another."""
    async def spread(self, token: TokenLike, *, energy: float=1.0, mode: str='sum', types: TypesLikeOfGraph=None, decay: float=0.2, min_energy: float=0.01, max_depth: int=5, threshold: float=0.1, budget: int | None=None, timeout_s: float | None=None) -> Activations:
        """Let energy spread from a token along outgoing edges, round by round."""
    async def steps(self, source: TokenLike, target: TokenLike, *, cost: Cost='inverse_weight', direction: str='out', types: TypesLikeOfGraph=None, cutoff: float | None=None, timeout_s: float | None=None) -> builtins.list[Step] | None:
        """Return what `shortest_path` returns as (id, type code of the edge to it, cost so far)."""
    async def subgraph(self, tokens: Any, *, types: TypesLikeOfGraph=None) -> builtins.list[Edge]:
        """Return the edges that run between some tokens, in order of source, type, target and key."""
    async def to_networkx(self, tokens: Any=None, *, types: TypesLikeOfGraph=None) -> networkx.MultiDiGraph:
        """Return the graph, or the part between some tokens, for what is not here. Needs the extra ``networkx``."""
    async def update(self, source: TokenLike, target: TokenLike, *, type: TypeLike='associated_with', key: str='', weight: float | None=None, bidirectional: bool | None=None, properties: Mapping[str, Any] | None=None) -> Edge:
        """Change what is given and return the edge."""

class Grid:
    """The asyncio form of `neurograph`'s `Grid`."""

    async def add(self, token: TokenLike, point: PointLike, *, level: LevelLikeOfGrid) -> None:
        """Put a token at a place of a level; one that is there already moves."""
    async def box(self, low: PointLike, high: PointLike, *, level: LevelLikeOfGrid, timeout_s: float | None=None) -> np.ndarray:
        """Return the ids of the tokens in a box of one level, its faces included, ascending, as int64."""
    async def density(self, point: PointLike, radius: float, *, level: LevelLikeOfGrid, timeout_s: float | None=None) -> float:
        """Return how many tokens there are within a radius, by its volume."""
    async def density_many(self, points: Any, radius: float, *, level: LevelLikeOfGrid, timeout_s: float | None=None) -> np.ndarray:
        """Return `density` at many points: (m,) float64."""
    async def distance(self, a: TokenLike, b: TokenLike, *, level: LevelLikeOfGrid | None=None, weights: WeightsOfGrid=None) -> float | None:
        """Return the distance of two tokens in a level or over several, None where they have none."""
    async def fields(self, *, level: LevelLikeOfGrid, threshold: float=0.5, min_nodes: int=3, link: float | None=None, falloff: str='linear', weighted: bool=False, timeout_s: float | None=None) -> list[Field]:
        """Find the fields of a level: connected regions where influence is at or above a threshold."""
    async def in_range(self, where: WhereOfGrid, radius: float, *, level: LevelLikeOfGrid | None=None, weights: WeightsOfGrid=None, timeout_s: float | None=None) -> Neighbors:
        """Find every token within a radius of a place."""
    async def in_range_many(self, points: Any, radius: float, *, level: LevelLikeOfGrid, timeout_s: float | None=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find every token within a radius of each of many points of one level, in one call."""
    async def influence(self, point: PointLike, *, level: LevelLikeOfGrid, radius: float=..., falloff: str='linear', weighted: bool=False, timeout_s: float | None=None) -> float:
        """Return what the fields that reach a point add up to."""
    async def influence_many(self, points: Any, *, level: LevelLikeOfGrid, radius: float=..., falloff: str='linear', weighted: bool=False, timeout_s: float | None=None) -> np.ndarray:
        """Return `influence` at many points: (m,) float64."""
    async def info(self, level: LevelLikeOfGrid | None=None) -> list[LevelInfo]:
        """Return what the levels hold: how many tokens, between which corners."""
    async def nearest(self, where: WhereOfGrid, k: int=10, *, level: LevelLikeOfGrid | None=None, weights: WeightsOfGrid=None, max_distance: float=..., timeout_s: float | None=None) -> Neighbors:
        """Find the k tokens nearest to a place."""
    async def nearest_many(self, points: Any, k: int=10, *, level: LevelLikeOfGrid, max_distance: float=..., timeout_s: float | None=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the k tokens nearest to each of many points of one level, in one call."""
    async def neighbors(self, token: TokenLike, k: int=10, *, level: LevelLikeOfGrid | None=None, weights: WeightsOfGrid=None, max_distance: float=..., timeout_s: float | None=None) -> Neighbors:
        """Find the k tokens nearest to a token, itself left out."""
    async def remove(self, token: TokenLike, *, level: LevelLikeOfGrid) -> None:
        """Take a token out of a level; it stays a token."""

class Libraries:
    """The asyncio form of `neurograph`'s `Libraries`."""

    async def create(self, name: str, *, dimension: int | None=None, metric: str='cosine', model: str | Identity | EmbeddingEngine | None=None, text_index: bool | str | None=None) -> Library:
        """Create a library."""
    async def drop(self, name: str) -> int:
        """Delete a library with its items and vectors, give its pages back, and return how many items it had."""
    async def get(self, name: str) -> Library:
        """Return a library."""
    async def list(self) -> builtins.list[Library]:
        """Return all libraries, in order of name."""
    async def load(self, path: str | os.PathLike[str], *, name: str | None=None, metric: str='cosine', model: str | Identity | EmbeddingEngine | None=None, format: str | None=None, words: str | os.PathLike[str] | None=None, member: str | None=None, limit: int | None=None, subset: Collection[str] | None=None, normalize: bool=False, errors: str='strict', malformed: str='error', text_index: bool | str | None=None, progress: bool | Told=False) -> Library:
        """Make a library of a file of word vectors: GloVe, word2vec, fastText or numpy, also in gz, bz2 or zip."""
    def __aiter__(self) -> Stream[Library]: ...

class Library:
    """The asyncio form of `neurograph`'s `Library`."""

    async def add(self, vectors: ArrayLike | None=None, *, keys: Sequence[str | None] | np.ndarray | None=None, texts: Sequence[str | None] | np.ndarray | None=None, tokens: Sequence[TokenLike | None] | np.ndarray | None=None, coordinates: ArrayLike | None=None, metadata: Sequence[Mapping[str, Any] | None] | None=None, model: str | Identity | EmbeddingEngine | None=None, on_conflict: str='error', commit_every: int | None=None) -> np.ndarray:
        """Add many items with their vectors in one transaction and return their ids."""
    async def analogy(self, a: ItemLike, b: ItemLike, c: ItemLike, k: int=10, *, where: Where | None=None, timeout_s: float | None=None) -> Hits:
        """Find what is to `c` as `b` is to `a`: what is near ``c + (b - a)``, the three left out."""
    async def attach(self, encoder: EmbeddingEngine) -> None:
        """Let an encoder make the vectors of this library's texts, as long as the file is open."""
    async def count(self, where: Where | None=None) -> int:
        """Return how many items there are, with or without vectors, or how many a condition leaves."""
    async def delete(self, item: ItemLike) -> None:
        """Delete an item with its vector."""
    async def delete_many(self, items: Iterable[ItemLike] | np.ndarray) -> int:
        """Delete many items with their vectors, in one transaction, and give free pages back."""
    @property
    def dimension(self) -> int:
        """How many numbers a vector has, from 1 to 8192."""
    async def drop_text_index(self) -> bool:
        """Drop the text index and give its pages back."""
    async def embed(self, texts: Sequence[str], kind: str='document', *, keep: int=...) -> np.ndarray:
        """Return the vectors of texts, and keep them in the file, so that they need not be made again."""
    async def fit_pca(self, dimensions: int=3, *, timeout_s: float | None=None) -> Pca:
        """Compute the principal components of all vectors, store them with the library, and return them."""
    async def get(self, item: ItemLike) -> Item:
        """Return an item by its id or its key."""
    @property
    def grid(self) -> SemanticGrid:
        """The semantic space: who is near by the items' three coordinates."""
    @property
    def id(self) -> int:
        """The library's id."""
    @property
    def identity(self) -> Coroutine[Any, Any, Identity]:
        """What made the vectors, and how."""
    async def index_text(self, tokenizer: str | None=None, *, rebuild: bool=False, progress: bool | Told=False) -> int:
        """Make the text index over keys and texts that `match` asks, and return how many items were written to it."""
    async def list(self, limit: int | None=100, *, after: ItemLike | None=None, where: Where | None=None) -> builtins.list[Item]:
        """Return items in order of id."""
    async def match(self, text: str, k: int=10, *, where: Where | None=None, among: Iterable[Item | Hit | int] | None=None, after: Match | None=None, syntax: str='words', timeout_s: float | None=None) -> Matches:
        """Find the k items whose keys and texts match words best."""
    @property
    def metric(self) -> str:
        """``"cosine"``, ``"l2"`` or ``"dot"``."""
    @property
    def name(self) -> str:
        """The library's name, as it was when the handle was made."""
    async def optimize(self, *, progress: bool | Told=False) -> OptimizedLibrary:
        """Make or mend the partitions that approximate searches look at few of."""
    async def pca(self) -> Pca | None:
        """Return the principal components stored with the library, or None."""
    async def place(self, *, reach: float=...) -> int:
        """Give every item with a vector its place in semantic space: the first three principal components."""
    async def recall(self, k: int=10, recall: float=0.99, *, sample: int=256, timeout_s: float | None=None) -> Recall:
        """Measure which recall ``search(k=k, exact=False, recall=recall)`` has."""
    async def reembed(self, encoder: EmbeddingEngine, *, progress: bool | Told=False) -> int:
        """Make the vectors of all texts anew with another encoder, which then is the library's."""
    async def search(self, query: ArrayLike | bytes | str | None=None, k: int=10, *, text: str | None=None, key: str | None=None, item: ItemLike | None=None, token: TokenLike | None=None, max_distance: float=..., after: Hit | None=None, where: Where | None=None, among: Iterable[Item | Hit | int] | None=None, exact: bool=True, recall: float | None=None, engine: str='auto', timeout_s: float | None=None) -> Hits:
        """Find the k items nearest to a vector, or to an item, which is left out itself."""
    async def search_many(self, queries: ArrayLike | Sequence[str], k: int=10, *, max_distance: float=..., where: Where | None=None, among: Iterable[Item | Hit | int] | None=None, exact: bool=True, recall: float | None=None, engine: str='auto', timeout_s: float | None=None) -> HitArrays:
        """Find the k items nearest to each of many vectors, or texts."""
    async def set(self, key: str, vector: ArrayLike | None=..., *, text: str | None=..., token: TokenLike | None=..., coordinates: tuple[float, float, float] | None=..., metadata: Mapping[str, Any] | None=...) -> Item:
        """Create the item with a key, or give the one that has it what this call names, and return it."""
    async def similar(self, items: Sequence[ItemLike], k: int=10, *, combine: str='average', where: Where | None=None, timeout_s: float | None=None) -> Hits:
        """Find the k items most like several others, which are left out themselves."""
    @property
    def text_index(self) -> Coroutine[Any, Any, str | None]:
        """How the text index reads words, its tokenizer; None where there is none, or not all of it yet."""
    async def update(self, item: ItemLike, *, key: str | None=..., vector: ArrayLike | None=..., text: str | None=..., token: TokenLike | None=..., coordinates: tuple[float, float, float] | None=..., metadata: Mapping[str, Any] | None=...) -> Item:
        """Change what is named of an item, and return it; None takes a value away."""
    async def use_pca(self, pca: Pca) -> Pca:
        """Store principal components made elsewhere with the library, and return them."""
    async def vec0(self, name: str | None=None, *, timeout_s: float | None=None) -> str:
        """Build a temporary `vec0` table of the vectors as they are now, and return its name."""
    async def vector(self, item: ItemLike) -> np.ndarray:
        """Return an item's vector."""
    async def vectors(self, items: Iterable[ItemLike] | np.ndarray) -> np.ndarray:
        """Return the vectors of many items."""
    def __aiter__(self) -> Stream[Item]: ...

class Queue:
    """The asyncio form of `neurograph`'s `Queue`."""

    async def ack(self, message: Message, result: Any=None) -> None:
        """Say that a message is done: it is deleted or, where its channel has a ``keep_ms``, kept with its result."""
    async def ack_many(self, messages: Iterable[Message]) -> builtins.list[Message]:
        """Say that messages are done, in one transaction, and return those that were not yours any more."""
    async def cancel(self, message: Published | Message | int) -> bool:
        """Delete a message that nobody works on yet; return False where it is too late."""
    async def channel(self, channel: str, /) -> Channel:
        """Return a channel and its settings."""
    async def channels(self) -> builtins.list[Channel]:
        """Return all channels, in the order they were created."""
    async def claim(self, channel: str, n: int=1, *, lease_s: float | None=None) -> builtins.list[Message]:
        """Take the next messages of a channel to work on them, and return them; it never waits."""
    async def configure(self, channels: Mapping[str, Mapping[str, Any]]) -> builtins.list[Channel]:
        """Create or change many channels, all or none, and return them in the given order."""
    def consume(self, channel: str | Sequence[str], *, n: int=1, lease_s: float | None=None, timeout_s: float | None=None) -> Consumer[Message]:
        """Return an iterator over the messages of a channel as they come, each claimed for you."""
    async def create_channel(self, channel: str, /, **settings: Any) -> Channel:
        """Create a channel with settings, and return it."""
    async def dead(self, channel: str, n: int | None=100) -> builtins.list[Message]:
        """Return the dead letters that lie in a channel: those that died there, and those that came from others."""
    async def every(self, name: str, expression: str, channel: str, payload: Any, *, time_zone: str='UTC', priority: int | str | None=None, headers: Mapping[str, Any] | None=None, ttl_s: float | None=None) -> Recurring:
        """Let a message be published in a channel again and again, and return what was made."""
    async def extend(self, message: Message, lease_s: float | None=None) -> Message:
        """Keep a message for another lease from now on, and return its record."""
    async def extend_many(self, messages: Iterable[Message], lease_s: float | None=None) -> builtins.list[Message | None]:
        """Keep messages for another lease, in one transaction, and return their records."""
    async def failures(self, message: Published | Message | int) -> builtins.list[Failure]:
        """Return why attempts at a message failed, in order."""
    async def get(self, message: Published | Message | int) -> Message:
        """Return a message as it is now, with its result where it is done and kept."""
    async def list(self, channel: str, state: str | None=None, n: int | None=100, *, after: Message | int=0) -> builtins.list[Message]:
        """Return messages of a channel in the order of publishing, whatever becomes of them."""
    async def nack(self, message: Message, error: BaseException | str='', *, trace: str | None=None, delay_s: float | None=None) -> None:
        """Say that an attempt failed: the message waits and is tried again or, after its last attempt, is dead."""
    async def nack_many(self, messages: Iterable[Message], error: BaseException | str='', *, trace: str | None=None, delay_s: float | None=None) -> builtins.list[Message]:
        """Say that attempts failed, in one transaction, and return the messages that were not yours any more."""
    async def next_times(self, expression: str, n: int=5, *, time_zone: str='UTC', after_ns: int | None=None) -> builtins.list[int]:
        """Return the next times of a cron expression, to see what it means."""
    async def pause(self, channel: str, /) -> None:
        """Let nothing be claimed in a channel until `resume`; publishing goes on."""
    async def pause_recurring(self, name: str) -> None:
        """Let nothing be published of what recurs until `resume_recurring`."""
    async def peek(self, channel: str, n: int=1) -> builtins.list[Message]:
        """Return the messages that are ready, in the order they would be claimed, and leave them."""
    async def publish(self, channel: str, payload: Any, *, priority: int | str | None=None, key: str | None=None, headers: Mapping[str, Any] | None=None, delay_s: float | None=None, at_ns: int | None=None, ttl_s: float | None=None) -> Published:
        """Put a message into a channel, which is created where it is new."""
    async def publish_many(self, channel: str, payloads: Sequence[Any], *, priority: int | str | Sequence[int | str] | None=None, key: Sequence[str | None] | None=None, headers: Mapping[str, Any] | None=None, delay_s: float | None=None, at_ns: int | None=None, ttl_s: float | None=None) -> builtins.list[Published]:
        """Put many messages into a channel, all or none, and return what became of each."""
    async def purge(self, channel: str, state: str | None=None) -> int:
        """Delete the messages of a channel, and return how many they were."""
    async def recurring(self, channel: str | None=None) -> builtins.list[Recurring]:
        """Return what recurs, in the order of names."""
    async def redrive(self, channel: str, messages: Iterable[Published | Message | int] | None=None, *, n: int | None=None) -> int:
        """Send dead letters back where they came from, to be tried again, and return how many they were."""
    async def release(self, message: Message) -> None:
        """Give a message back as if it had not been claimed: it is ready, in its old place."""
    async def release_many(self, messages: Iterable[Message]) -> builtins.list[Message]:
        """Give messages back, in one transaction, and return those that were not yours any more."""
    async def remove_channel(self, channel: str, /) -> int:
        """Remove a channel with its messages, and return how many they were."""
    async def remove_recurring(self, name: str) -> None:
        """Let something recur no more; messages that were published stay."""
    async def reply(self, message: Message, payload: Any, *, headers: Mapping[str, Any] | None=None) -> None:
        """Answer a request, and ack it, in one transaction."""
    async def request(self, channel: str, payload: Any, *, timeout_s: float=30.0, priority: int | str | None=None, headers: Mapping[str, Any] | None=None, reply_to: str | None=None) -> Message:
        """Publish a request, wait until somebody replies, and return the reply."""
    async def resume(self, channel: str, /) -> None:
        """End a `pause`."""
    async def resume_recurring(self, name: str) -> None:
        """End a `pause_recurring`; what came due meanwhile is not made up for."""
    async def stats(self, channel: str) -> ChannelStats:
        """Return what is in a channel."""
    async def stats_of_all(self) -> builtins.list[ChannelStats]:
        """Return what is in each channel, in the order they were created."""
    async def sweep(self) -> int:
        """Do what is due in all channels, and return how many messages that changed."""
    async def update_channel(self, channel: str, /, *, name: str | None=None, **settings: Any) -> Channel:
        """Change settings of a channel, and return it; all others stay."""
    async def wait_result(self, message: Published | Message | int, *, timeout_s: float | None=None) -> Any:
        """Wait until a message is done, and return the result it was acked with."""
    def work(self, channel: str | Sequence[str], handler: Callable[[Message], Any], *, concurrency: int=1, n: int=1, lease_s: float | None=None, timeout_s: float | None=None, settles: bool=False) -> Worker:
        """Return a worker that runs a handler on the messages of a channel as they come."""

class SemanticGrid:
    """The asyncio form of `neurograph`'s `SemanticGrid`."""

    @property
    def dimension(self) -> int:
        """How many numbers a vector has, from 1 to 8192."""
    @property
    def id(self) -> int:
        """The library's id."""
    async def in_range(self, point: Any, radius: float, *, timeout_s: float | None=None) -> Hits:
        """Find every item within a radius of a place."""
    @property
    def metric(self) -> str:
        """``"cosine"``, ``"l2"`` or ``"dot"``."""
    @property
    def name(self) -> str:
        """The library's name, as it was when the handle was made."""
    async def neighbors(self, item: ItemLike, k: int=10, *, timeout_s: float | None=None) -> Hits:
        """Find the k items nearest to an item, itself left out."""

class Storage:
    """The asyncio form of `neurograph`'s `Storage`."""

    async def changes(self, since: int=0, *, namespace: str | None=None, prefix: str='', limit: int | None=None) -> builtins.list[StorageChange]:
        """Return what changed after a version, in order."""
    async def clear(self, namespace: str) -> int:
        """Delete all values of a namespace, all or none, and return how many there were; its quota stays."""
    async def delete(self, namespace: str, key: str, *, if_version: int | None=None) -> bool:
        """Delete a value and return whether it was there."""
    async def delete_many(self, namespace: str, keys: Iterable[str]) -> int:
        """Delete several values, all or none, and return how many were there."""
    async def get(self, namespace: str, key: str, default: Any=None) -> Any:
        """Return a value, or `default` where there is none or it has expired."""
    async def get_many(self, namespace: str, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of several keys, seen in one state."""
    async def increment(self, namespace: str, key: str, by: SupportsIndex=1, *, initial: SupportsIndex=0, ttl_s: float | None=None) -> int:
        """Add to a whole number and return the sum; no increment is lost, whoever else adds."""
    async def item(self, namespace: str, key: str) -> StorageItem:
        """Return a value with its version and expiry."""
    async def keys(self, namespace: str, prefix: str='', *, after: str | None=None, limit: int | None=None) -> builtins.list[str]:
        """Return the keys of a namespace in order."""
    async def list(self, namespace: str, prefix: str='', *, after: str | None=None, limit: int | None=100) -> builtins.list[StorageItem]:
        """Return the values of a namespace in order of key."""
    async def namespaces(self) -> builtins.list[StorageNamespace]:
        """Return the namespaces that have keys or a quota, in order of name."""
    async def objects(self) -> StorageObjects:
        """Return this storage as one whose values are all dicts, with the original service's methods and texts."""
    async def purge(self) -> int:
        """Delete what has expired, in every namespace, and return how many values that were."""
    async def quota(self, namespace: str, bytes: int | None) -> None:
        """Set how much the values of a namespace may take."""
    async def set(self, namespace: str, key: str, value: Any, *, ttl_s: float | None=None, if_version: int | None=None) -> int:
        """Store a value, whatever is there or only where nobody changed it, and return its version."""
    async def set_many(self, namespace: str, values: Mapping[str, Any], *, ttl_s: float | None=None) -> int:
        """Store several values, all or none, and return the version of the last."""
    @property
    def version(self) -> Coroutine[Any, Any, int]:
        """The version of the newest change of all namespaces; 0 where nothing was ever stored."""
    def watch(self, namespace: str | None=None, *, prefix: str='', since: int | None=None, timeout_s: float | None=None) -> Stream[StorageChange]:
        """Yield what changes, as it is committed by this process or another, in order."""

class StorageObjects:
    """The asyncio form of `neurograph`'s `StorageObjects`."""

    async def batch_set(self, namespace: str, items: dict[str, dict[str, Any]]) -> None:
        """Store several objects, all or none."""
    async def clear_namespace(self, namespace: str) -> None:
        """Delete all objects of a namespace."""
    async def delete(self, namespace: str, key: str) -> bool:
        """Delete an object and return whether it was there."""
    async def get(self, namespace: str, key: str) -> dict[str, Any] | None:
        """Return an object, or None."""
    async def list_keys(self, namespace: str) -> builtins.list[str]:
        """Return the keys of a namespace in order."""
    async def set(self, namespace: str, key: str, value: dict[str, Any]) -> None:
        """Store an object, whatever is there."""
    def transaction(self) -> Scope:
        """Return a context whose writes happen all together or not at all, as `Database.transaction` does."""
    async def transaction_callback(self, function: Callable[[StorageObjects], Any]) -> Any:
        """Call a function with this storage in a transaction, and return what it returns."""

class Subscription:
    """The asyncio form of `neurograph`'s `Subscription`."""

    async def ack(self, entry: Entry) -> None:
        """Say that an entry is done: this subscription has settled it."""
    async def ack_many(self, entries: Iterable[Entry]) -> builtins.list[Entry]:
        """Say that entries are done, in one transaction, and return those that were not yours any more."""
    async def claim(self, n: int=1, *, lease_s: float | None=None) -> builtins.list[Entry]:
        """Take the next entries to work on them, and return them; it never waits."""
    def consume(self, *, n: int=1, lease_s: float | None=None, timeout_s: float | None=None) -> Consumer[Entry]:
        """Return an iterator over entries as they come, each claimed for you."""
    async def dead(self, n: int | None=100) -> builtins.list[Entry]:
        """Return the entries that failed for good, each with its last error, in order."""
    async def extend(self, entry: Entry, lease_s: float | None=None) -> Entry:
        """Keep an entry for another lease from now on, and return its record."""
    async def extend_many(self, entries: Iterable[Entry], lease_s: float | None=None) -> builtins.list[Entry | None]:
        """Keep entries for another lease, in one transaction, and return their records."""
    async def lag(self) -> int:
        """Return how many entries that it asks for are above the cursor: nobody has claimed them yet."""
    async def list(self, state: str | None=None, n: int | None=100, *, after: Entry | int=0) -> builtins.list[Entry]:
        """Return the entries below the cursor that are not settled, in order."""
    async def nack(self, entry: Entry, error: BaseException | str='', *, trace: str | None=None, delay_s: float | None=None) -> None:
        """Say that an attempt failed: the entry waits and is tried again or, after its last attempt, is dead."""
    async def nack_many(self, entries: Iterable[Entry], error: BaseException | str='', *, trace: str | None=None, delay_s: float | None=None) -> builtins.list[Entry]:
        """Say that attempts failed, in one transaction, and return the entries that were not yours any more."""
    @property
    def name(self) -> str:
        """Its name."""
    async def pause(self) -> None:
        """Let nothing be claimed until `resume`; publishing goes on."""
    async def purge(self, state: str | None=None) -> int:
        """Take entries below the cursor for settled, as nobody wants them any more; return how many they were."""
    async def redrive(self, entries: Iterable[Entry | int] | None=None, *, n: int | None=None) -> int:
        """Let what is dead be tried again, and return how many entries that are."""
    async def release(self, entry: Entry) -> None:
        """Give an entry back as if it had not been claimed: it is ready, before all that is newer."""
    async def release_many(self, entries: Iterable[Entry]) -> builtins.list[Entry]:
        """Give entries back, in one transaction, and return those that were not yours any more."""
    async def resume(self) -> None:
        """End a `pause`."""
    async def seek(self, *, sequence: Entry | int | None=None, at_ns: int | None=None) -> bool:
        """Set the cursor, back to get entries again, or on to pass over some; return whether all are still there."""
    @property
    def settings(self) -> Coroutine[Any, Any, SubscriptionSettings]:
        """What it asks for, how it delivers and where its cursor is, as of now."""
    async def stats(self) -> SubscriptionStats:
        """Return how far the subscription is, seen in one state."""
    async def update(self, **settings: Any) -> SubscriptionSettings:
        """Change what a subscription asks for or how it delivers, and return all of it; what is not named stays."""

class Tokens:
    """The asyncio form of `neurograph`'s `Tokens`."""

    async def clear(self) -> int:
        """Delete every token with all edges and connections, and return how many tokens there were."""
    async def coordinates(self, level: str | int | None=None, tokens: Iterable[TokenLike] | np.ndarray | None=None) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of tokens as arrays."""
    async def count(self, *, entity_type: str | int | None=None, domain: str | int | None=None, level: str | int | None=None, where: Where | None=None) -> int:
        """Return how many tokens there are, or how many a filter leaves."""
    async def create(self, label: str | None=None, *, entity_type: str | int='undefined', domain: str | int='general', flags: int=1, weight: float=0.5, field_radius: float=1.0, field_strength: float=1.0, coordinates: Coordinates | None=None, properties: Mapping[str, Any] | None=None) -> Token:
        """Create a token and return it."""
    async def create_many(self, labels: Sequence[str | None] | np.ndarray | None=None, *, count: int | None=None, entity_type: str | int | Sequence[str | int] | np.ndarray | None=None, domain: str | int | Sequence[str | int] | np.ndarray | None=None, flags: ArrayLike | None=None, weight: ArrayLike | None=None, field_radius: ArrayLike | None=None, field_strength: ArrayLike | None=None, coordinates: Mapping[str, ArrayLike] | np.ndarray | None=None, properties: Sequence[Mapping[str, Any] | str | None] | None=None, on_conflict: str='error') -> np.ndarray:
        """Create many tokens in one transaction and return their ids."""
    async def delete(self, token: TokenLike) -> None:
        """Delete a token with its edges and their connections."""
    async def delete_many(self, tokens: Iterable[TokenLike] | np.ndarray, *, missing: str='error') -> int:
        """Delete many tokens with their edges and connections, in one transaction."""
    async def from_bytes(self, record: bytes, label: str | None=None) -> Token:
        """Create a token from one of the original system's 64-byte records and return it."""
    async def from_bytes_many(self, records: bytes | np.ndarray, labels: Sequence[str | None] | np.ndarray | None=None, *, ids: Literal['remap', 'keep']='remap') -> np.ndarray:
        """Create tokens from the original system's records, in one transaction, and return their ids."""
    async def get(self, token: TokenLike) -> Token:
        """Return the token with that id or label, as it is now."""
    async def get_many(self, tokens: Iterable[TokenLike] | np.ndarray, *, missing: str='error') -> builtins.list[Token]:
        """Return many tokens, as one state of the file holds them."""
    async def id_to_label(self, id: int) -> str | None:
        """Return the label of the token with that id, or None where it has none."""
    async def ids_to_labels(self, ids: Iterable[TokenLike] | np.ndarray) -> builtins.list[str | None]:
        """Return the labels of many tokens, None where one has no label."""
    async def label_to_id(self, label: str) -> int:
        """Return the id of the token with that label."""
    async def labels_to_ids(self, labels: Sequence[str] | np.ndarray, *, missing: str='error') -> np.ndarray:
        """Return the ids of many labels."""
    async def list(self, limit: int | None=100, offset: int=0, *, after: TokenLike | None=None, entity_type: str | int | None=None, domain: str | int | None=None, level: str | int | None=None, where: Where | None=None) -> builtins.list[Token]:
        """Return tokens in order of id."""
    async def set_coordinates(self, tokens: Iterable[TokenLike] | np.ndarray, coordinates: ArrayLike, level: str | int | None=None) -> None:
        """Move many tokens, in one level or in all, in one transaction."""
    async def to_bytes(self, token: TokenLike, *, clip: bool=False) -> bytes:
        """Return a token as the original system's 64-byte record."""
    async def to_bytes_many(self, tokens: Iterable[TokenLike] | np.ndarray | None=None, *, ids: Literal['exact', 'remap']='exact', clip: bool=False) -> tuple[np.ndarray, np.ndarray]:
        """Return many tokens as records, and the ids they have there."""
    async def update(self, token: TokenLike, *, label: str | EllipsisType | None=..., entity_type: str | int | EllipsisType=..., domain: str | int | EllipsisType=..., flags: int | EllipsisType=..., weight: float | EllipsisType=..., field_radius: float | EllipsisType=..., field_strength: float | EllipsisType=..., coordinates: Coordinates | EllipsisType=..., properties: Mapping[str, Any] | EllipsisType | None=..., merge_properties: Mapping[str, Any] | None=None) -> Token:
        """Change what is named of a token, leave the rest, and return it."""
    def __aiter__(self) -> Stream[Token]: ...

class Topics:
    """The asyncio form of `neurograph`'s `Topics`."""

    async def create(self, topic: str, /, **settings: int | None) -> Topic:
        """Create a topic with settings, and return it; publishing creates one without."""
    async def drop(self, topic: str, /) -> int:
        """Drop a topic with its entries, and return how many they were; subscriptions stay."""
    async def get(self, topic: str, /) -> Topic:
        """Return a topic and its settings."""
    async def list(self) -> builtins.list[Topic]:
        """Return all topics, in the order they were created."""
    async def publish(self, topic: str, payload: Any, *, headers: Mapping[str, Any] | None=None) -> int:
        """Put an entry at the end of the log, under a topic that is created where it is new; return its sequence."""
    async def publish_many(self, topic: str, payloads: Sequence[Any], *, headers: Mapping[str, Any] | None=None) -> range:
        """Put many entries at the end of the log, all or none, and return their sequences."""
    async def read(self, pattern: str='*', *, after: Entry | int=0, limit: int=100, where: Mapping[str, Any] | None=None, timeout_s: float | None=None) -> builtins.list[Entry]:
        """Return entries of the log in order, and leave all as it is."""
    async def subscribe(self, name: str, pattern: str='*', *, where: Mapping[str, Any] | None=None, start: str | Entry | int | None=None, at_ns: int | None=None, **settings: Any) -> Subscription:
        """Return the subscription of that name, made where it is new: it gets each entry that it asks for."""
    async def subscription(self, name: str, /) -> Subscription:
        """Return a subscription that exists."""
    async def subscriptions(self) -> builtins.list[Subscription]:
        """Return all subscriptions, in the order they were made."""
    async def trim(self, topic: str | None=None) -> int:
        """Delete what is older, or more, than topics keep, and return how many entries that were."""
    async def unsubscribe(self, name: str, /) -> None:
        """End a subscription: what it had settled, and what it had not, is forgotten."""
    async def update(self, topic: str, /, **settings: int | None) -> Topic:
        """Change what a topic keeps, and return it; settings that are not named stay."""

class Opening:
    """What `open` returns: awaited it is the open `Database`, and ``async with`` closes that at its end."""

    def __await__(self) -> Generator[Any, None, Database]: ...
    async def __aenter__(self) -> Database: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

def open(path: str | os.PathLike[str], *, mode: str='rwc', synchronous: str='full', journal: str='wal', busy_timeout_s: float=10.0, memory_budget_bytes: int | None=None, engine: str='auto', slow_query_s: float | None=1.0, page_size_bytes: int=8192, backup: bool=True) -> Opening:
    """Open a file for asyncio, creating it where there is none."""
