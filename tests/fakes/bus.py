"""A nucleus in memory, and the bus of a component on it."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from smartcam.contract.errors import BusRefused, BusUnavailable, MessageTooLarge
from smartcam.edge.bus.port import LARGEST_PAYLOAD, OnMessage, fits

logger = logging.getLogger(__name__)


def topic_matches(topic_filter: str, topic: str) -> bool:
    """MQTT's matching: `+` is one level, a last `#` is the rest, none included."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return place == len(wanted) - 1
        if place >= len(given) or level not in ("+", given[place]):
            return False
    return len(wanted) == len(given)


@dataclass(frozen=True, slots=True)
class Publication:
    component: str
    topic: str
    payload: bytes


@dataclass(eq=False, slots=True)
class FakeSubscription:
    bus: "FakeBus"
    topic: str
    is_cloud: bool
    on_message: OnMessage
    is_open: bool = True

    def close(self) -> None:
        self.is_open = False


@dataclass(eq=False, slots=True)
class FakeWatch:
    on_change: Callable[[], None]
    is_open: bool = True

    def close(self) -> None:
        self.is_open = False


@dataclass(eq=False)
class FakeNucleus:
    """Delivers in the thread that publishes, in order; set `away`, `cloud_away` and `refused` to make it fail."""

    published_local: list[Publication] = field(default_factory=list)
    published_cloud: list[Publication] = field(default_factory=list)
    cloud_away: bool = False
    refused: set[str] = field(default_factory=set)
    """Topic filters that accessControl denies, for publishing and for subscribing."""
    on_publish: list[Callable[[Publication], None]] = field(default_factory=list)
    """Called after a publish to the cloud: for a test that plays the cloud and answers with `deliver`."""
    _subscriptions: list[FakeSubscription] = field(default_factory=list)
    _watches: list[tuple[str, FakeWatch]] = field(default_factory=list)
    _documents: dict[str, Mapping[str, object]] = field(default_factory=dict)
    _waiting: deque[Callable[[], None]] = field(default_factory=deque)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _delivering: bool = False
    _away: bool = False

    @property
    def away(self) -> bool:
        """Publishing fails; when it is back, subscriptions go on and configuration watches are told."""
        return self._away

    @away.setter
    def away(self, is_away: bool) -> None:
        was_away, self._away = self._away, is_away
        if was_away and not is_away:
            self._tell(self._watches)

    def bus(self, component: str) -> "FakeBus":
        return FakeBus(self, component)

    def configure(self, component: str, document: Mapping[str, object]) -> None:
        """A deployment sets the component's configuration document."""
        with self._lock:
            self._documents[component] = document
            watches = [(name, watch) for name, watch in self._watches if name == component]
        if not self.away:
            self._tell(watches)

    def deliver(self, topic: str, payload: bytes) -> None:
        """The cloud sends a message to the device; without a way it is lost, as with the real one."""
        if not self.away and not self.cloud_away:
            self._pass_on(topic, payload, is_cloud=True)

    def cloud_payloads(self, topic_filter: str = "#") -> list[bytes]:
        return [item.payload for item in self.published_cloud if topic_matches(topic_filter, item.topic)]

    def local_payloads(self, topic_filter: str = "#") -> list[bytes]:
        return [item.payload for item in self.published_local if topic_matches(topic_filter, item.topic)]

    def accept(self, publication: Publication, *, is_cloud: bool) -> None:
        """What the nucleus does with a publish: checks, record, delivery."""
        if self.away or (is_cloud and self.cloud_away):
            raise BusUnavailable("the nucleus is away" if self.away else "not connected to the cloud")
        if not publication.topic or "+" in publication.topic or "#" in publication.topic:
            raise BusRefused(f"{publication.topic!r} is not a topic to publish to")
        if self.denies(publication.topic):
            raise BusRefused(f"accessControl does not allow {publication.component} to publish {publication.topic}")
        with self._lock:
            (self.published_cloud if is_cloud else self.published_local).append(publication)
        if is_cloud:
            for hear in self.on_publish:
                self._later(lambda hear=hear: hear(publication))  # type: ignore[misc]
            self._deliver_all()
        else:
            self._pass_on(publication.topic, publication.payload, is_cloud=False)

    def denies(self, topic: str) -> bool:
        return any(topic == refused or topic_matches(refused, topic) for refused in self.refused)

    def add(self, subscription: FakeSubscription) -> None:
        with self._lock:
            self._subscriptions.append(subscription)

    def watch(self, component: str, watch: FakeWatch) -> None:
        with self._lock:
            self._watches.append((component, watch))

    def document(self, component: str) -> Mapping[str, object]:
        with self._lock:
            return self._documents.get(component, {})

    def forget(self, bus: "FakeBus") -> None:
        with self._lock:
            self._subscriptions = [item for item in self._subscriptions if item.bus is not bus]

    def forget_all_but(self, bus: "FakeBus") -> None:
        """Only this one hears from now on."""
        with self._lock:
            self._subscriptions = [item for item in self._subscriptions if item.bus is bus]

    def _tell(self, watches: Sequence[tuple[str, FakeWatch]]) -> None:
        for _, watch in watches:
            self._later(lambda watch=watch: watch.on_change() if watch.is_open else None)  # type: ignore[misc]
        self._deliver_all()

    def _pass_on(self, topic: str, payload: bytes, *, is_cloud: bool) -> None:
        with self._lock:
            hearing = [
                item
                for item in self._subscriptions
                if item.is_cloud == is_cloud and topic_matches(item.topic, topic) and not self.denies(item.topic)
            ]
            for item in hearing:
                self._later(lambda item=item: item.on_message(topic, payload) if item.is_open else None)  # type: ignore[misc]
        self._deliver_all()

    def _later(self, call: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.append(call)

    def _deliver_all(self) -> None:
        # A publish from within a callback waits its turn, as it does on a real nucleus.
        with self._lock:
            if self._delivering:
                return
            self._delivering = True
        while True:
            with self._lock:
                if not self._waiting:
                    self._delivering = False
                    return
                call = self._waiting.popleft()
            try:
                call()
            except Exception:
                logger.exception("callback_failed")


class Hearing:
    """A callback that remembers: pass it to `subscribe_...`, then wait for what should come."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages: list[tuple[str, bytes]] = []

    def __call__(self, topic: str, payload: bytes) -> None:
        with self._changed:
            self._messages.append((topic, payload))
            self._changed.notify_all()

    @property
    def messages(self) -> list[tuple[str, bytes]]:
        with self._changed:
            return list(self._messages)

    def wait(self, count: int, timeout_s: float = 30.0) -> list[tuple[str, bytes]]:
        """The messages as soon as there are `count`, or what there is when time is up."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._messages) >= count, timeout_s)
            return list(self._messages)


class FakeBus:
    def __init__(self, nucleus: FakeNucleus, component: str) -> None:
        self._nucleus = nucleus
        self._component = component
        self._watches: list[FakeWatch] = []
        self.is_closed = False

    def publish_local(self, topic: str, payload: bytes) -> None:
        self._publish(topic, payload, is_cloud=False)

    def publish_cloud(self, topic: str, payload: bytes) -> None:
        self._publish(topic, payload, is_cloud=True)

    def subscribe_local(self, topic: str, on_message: OnMessage) -> FakeSubscription:
        return self._subscribe(topic, on_message, is_cloud=False)

    def subscribe_cloud(self, topic: str, on_message: OnMessage) -> FakeSubscription:
        return self._subscribe(topic, on_message, is_cloud=True)

    def configuration(self) -> Mapping[str, object]:
        if self._nucleus.away or self.is_closed:
            raise BusUnavailable("the nucleus is away")
        return self._nucleus.document(self._component)

    def on_configuration_change(self, on_change: Callable[[], None]) -> FakeWatch:
        watch = FakeWatch(on_change)
        self._watches.append(watch)
        self._nucleus.watch(self._component, watch)
        return watch

    def is_connected(self) -> bool:
        return not self._nucleus.away and not self.is_closed

    def close(self) -> None:
        self.is_closed = True
        self._nucleus.forget(self)
        for watch in self._watches:
            watch.close()

    def _publish(self, topic: str, payload: bytes, *, is_cloud: bool) -> None:
        if self.is_closed:
            raise BusUnavailable("the bus is closed")
        if not fits(payload):
            raise MessageTooLarge(f"{len(payload)} bytes for {topic}: at most {LARGEST_PAYLOAD}")
        self._nucleus.accept(Publication(self._component, topic, payload), is_cloud=is_cloud)

    def _subscribe(self, topic: str, on_message: OnMessage, *, is_cloud: bool) -> FakeSubscription:
        if self.is_closed:
            raise BusUnavailable("the bus is closed")
        subscription = FakeSubscription(self, topic, is_cloud, on_message)
        self._nucleus.add(subscription)
        return subscription
