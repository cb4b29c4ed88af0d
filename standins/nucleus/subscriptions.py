"""The table of subscriptions of all connections: local topics, cloud topics, configuration."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from standins.nucleus.configuration import KeyPath
from tools.recipes.matching import topic_matches


class TableFull(Exception):
    """The nucleus takes no more subscriptions."""


@dataclass(frozen=True, slots=True)
class ResponseStream:
    """Where a subscription's events go: the connection's number, the stream's id, and how to send a shape and body."""

    key: tuple[int, int]
    send: Callable[[str, bytes], None]


class Kind(Enum):
    """What a subscription is about."""

    LOCAL = "local"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True)
class TopicSubscription:
    """A stream that wants the messages of a filter."""

    stream: ResponseStream
    kind: Kind
    topic_filter: str
    component: str = ""
    others_only: bool = False
    """Whether messages of the component itself are left out."""


@dataclass(frozen=True, slots=True)
class ConfigurationSubscription:
    """A stream that wants to know of changes at or below a path of a component."""

    stream: ResponseStream
    component: str
    path: KeyPath


Subscription = TopicSubscription | ConfigurationSubscription


class SubscriptionTable:
    """All subscriptions, in the order in which they were made."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[tuple[int, int], Subscription] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Subscription) -> None:
        """Raises TableFull when there is no room."""
        if len(self._entries) >= self._most:
            raise TableFull(f"{self._most} subscriptions exist already")
        self._entries[entry.stream.key] = entry

    def remove(self, key: tuple[int, int]) -> Subscription | None:
        """Forget a stream's subscription; None when it had none."""
        return self._entries.pop(key, None)

    def of_connection(self, number: int) -> list[tuple[int, int]]:
        """The keys of one connection's subscriptions."""
        return [key for key in self._entries if key[0] == number]

    def wanting(self, kind: Kind, topic: str) -> Iterator[TopicSubscription]:
        """Who wants a message of this topic."""
        for entry in list(self._entries.values()):
            if isinstance(entry, TopicSubscription) and entry.kind is kind and topic_matches(topic, entry.topic_filter):
                yield entry

    def has_filter(self, kind: Kind, topic_filter: str) -> bool:
        """Whether anybody subscribed to exactly this filter."""
        return any(
            isinstance(entry, TopicSubscription) and entry.kind is kind and entry.topic_filter == topic_filter
            for entry in self._entries.values()
        )

    def watching(self, component: str, path: KeyPath) -> Iterator[ConfigurationSubscription]:
        """Who wants to know of a change of this leaf."""
        for entry in list(self._entries.values()):
            if (
                isinstance(entry, ConfigurationSubscription)
                and entry.component == component
                and path[: len(entry.path)] == entry.path
            ):
                yield entry
