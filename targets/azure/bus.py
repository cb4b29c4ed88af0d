"""The bus of one component of the module: local messages in the process, the cloud's by the edge hub."""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import BusRefused, BusUnavailable, ContractError, MessageTooLarge
from smartcam.contract.event import Event
from smartcam.contract.topics import EVENT_FILTER, ack_topic
from smartcam.edge.bus.port import LARGEST_PAYLOAD, OnMessage, Subscription, fits
from smartcam.edge.logs import log
from targets.azure.local import Listening, Messages, matches
from targets.azure.port import Hub, Outgoing
from targets.azure.twin import Desired

logger = logging.getLogger(__name__)

TOPIC_PROPERTY: Final = "topic"
"""The property of a message that says its whole topic; its output is the topic's last level."""
_CHANGED: Final = "changed/"


class Module:
    """What the buses of the module share."""

    def __init__(self, hub: Hub, desired: Desired) -> None:
        self.hub = hub
        self.desired = desired
        self.local = Messages()
        self.cloud = Messages()
        self.changes = Messages()

    def changed(self, sections: frozenset[str]) -> None:
        """Tell who watches these sections of the twin."""
        for section in sections:
            self.changes.publish(_CHANGED + section, b"")


class ModuleBus:
    """One component's bus. Implements `smartcam.edge.bus.port.Bus`.

    Nobody in the cloud answers an event here: when the hub has acknowledged it, it is the hub's to deliver, and the
    bus says so on the topic of the acknowledgements.
    """

    def __init__(self, module: Module, section: str) -> None:
        self._module = module
        self._section = section
        self._callbacks = ThreadPoolExecutor(1, thread_name_prefix=f"{section}-callbacks")
        self._lock = threading.Lock()
        self._listening: list[Listening] = []
        self._closed = False

    def publish_local(self, topic: str, payload: bytes) -> None:
        """See `Bus`."""
        self._check(topic, payload)
        self._module.local.publish(topic, payload)

    def publish_cloud(self, topic: str, payload: bytes) -> None:
        """Send a message to the hub; returns when the hub has acknowledged it. See `Bus`."""
        self._check(topic, payload)
        event = _event(topic, payload)
        identity = None if event is None else f"{event.event_id}/{event.phase}/{event.revision}"
        output = topic.rpartition("/")[2]
        self._module.hub.send(Outgoing(output, payload, identity, {TOPIC_PROPERTY: topic}))
        if event is not None:
            accepted = Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED, revision=event.revision)
            self._module.cloud.publish(ack_topic(event.thing), accepted.to_json())

    def subscribe_local(self, topic: str, on_message: OnMessage) -> Subscription:
        """See `Bus`."""
        return self._listen(self._module.local, topic, on_message)

    def subscribe_cloud(self, topic: str, on_message: OnMessage) -> Subscription:
        """Subscribe to what the module itself says in the cloud's name: acknowledgements. See `Bus`."""
        return self._listen(self._module.cloud, topic, on_message)

    def configuration(self) -> Mapping[str, object]:
        """The component's section of the module twin, as it was last heard. See `Bus`."""
        if self._closed:
            raise BusUnavailable("the bus is closed")
        return self._module.desired.section(self._section)

    def on_configuration_change(self, on_change: Callable[[], None]) -> Subscription:
        """See `Bus`."""
        return self._listen(self._module.changes, _CHANGED + self._section, lambda _topic, _payload: on_change())

    def is_connected(self) -> bool:
        """Whether messages of the other component arrive: always, in one process. See `Bus`."""
        return not self._closed

    def close(self) -> None:
        """See `Bus`."""
        with self._lock:
            self._closed = True
            for listening in self._listening:
                listening.close()
        self._callbacks.shutdown(wait=True, cancel_futures=True)

    def _listen(self, messages: Messages, topic: str, on_message: OnMessage) -> Subscription:
        with self._lock:
            if self._closed:
                raise BusUnavailable("the bus is closed")
            listening = messages.subscribe(topic, on_message, self._callbacks)
            self._listening = [each for each in self._listening if not each.is_closed] + [listening]
        return listening

    def _check(self, topic: str, payload: bytes) -> None:
        if not fits(payload):
            raise MessageTooLarge(f"{len(payload)} bytes for {topic}: at most {LARGEST_PAYLOAD}")
        if not topic or any(sign in topic for sign in "+#?\0"):
            raise BusRefused(f"{topic!r} is not a topic to publish to")
        if self._closed:
            raise BusUnavailable("the bus is closed")


def _event(topic: str, payload: bytes) -> Event | None:
    if not matches(EVENT_FILTER, topic):
        return None
    try:
        return Event.from_json(payload)
    except ContractError as error:
        log(logger, logging.ERROR, "event_unreadable", topic=topic, error=error)
        raise BusRefused(f"{topic}: {error}") from error
