"""The bus between the components and to the cloud, in the parts that its users need."""

from collections.abc import Callable, Mapping
from typing import Protocol

LARGEST_PAYLOAD = 7000
"""Bytes. Nucleus lite closes the connection over a packet of 10,000 bytes, which is 7.28 kB before base64."""

OnMessage = Callable[[str, bytes], None]
"""Takes a topic and a payload. It may use the bus; what it raises is logged and goes no further."""


def fits(payload: bytes) -> bool:
    """Whether every nucleus carries the payload."""
    return len(payload) <= LARGEST_PAYLOAD


class Subscription(Protocol):
    """Calls its callback until it is closed."""

    def close(self) -> None:
        """No call begins after this; closing twice is allowed."""
        ...


class NoSubscription:
    """A `Subscription` to nothing."""

    def close(self) -> None:
        """Nothing to end."""


class LocalBus(Protocol):
    """Messages between the components of this device."""

    def publish_local(self, topic: str, payload: bytes) -> None:
        """Hand a message to the nucleus for this device's components.

        Raises:
            BusUnavailable: the nucleus is away; the message is lost.
            BusRefused: accessControl does not allow it, or the topic is malformed.
            MessageTooLarge: over `LARGEST_PAYLOAD`.
        """
        ...

    def subscribe_local(self, topic: str, on_message: OnMessage) -> Subscription:
        """Subscribe to a local topic; `+` stands for one level."""
        ...


class CloudBus(Protocol):
    """Messages to and from IoT Core."""

    def publish_cloud(self, topic: str, payload: bytes) -> None:
        """Send a message to IoT Core with QoS 1; returns when the nucleus has accepted it.

        Raises:
            BusUnavailable: the nucleus or the cloud is away.
            BusRefused: accessControl does not allow it, or the topic is malformed.
            MessageTooLarge: over `LARGEST_PAYLOAD`.
        """
        ...

    def subscribe_cloud(self, topic: str, on_message: OnMessage) -> Subscription:
        """Subscribe to a topic of IoT Core with QoS 1; `+` stands for one level."""
        ...


class ConfigurationSource(Protocol):
    """This component's configuration, as deployments set it."""

    def configuration(self) -> Mapping[str, object]:
        """This component's whole configuration document; on lite every scalar may be a string.

        Raises:
            BusUnavailable: the nucleus is away.
        """
        ...

    def on_configuration_change(self, on_change: Callable[[], None]) -> Subscription:
        """Call back when the document has changed: once per burst of changes, and after a loss of the connection."""
        ...


class DeviceBus(LocalBus, ConfigurationSource, Protocol):
    """Everything that a component without a connection to the cloud needs."""

    def is_connected(self) -> bool:
        """Whether there is a connection to the nucleus: without one, silence says nothing about other components."""
        ...


class Bus(DeviceBus, CloudBus, Protocol):
    """A component's whole connection. All methods may be called from any thread, also from callbacks.

    Callbacks of one bus run one after the other, messages of one topic in the order in which they were
    published. Subscriptions survive a loss of the connection; what is published meanwhile does not reach them.
    While the nucleus is away, subscribing succeeds and takes effect when it is back; a subscription that it
    refuses is logged and tried again, because an operator can fix the recipe at run time.
    """

    def close(self) -> None:
        """End all subscriptions and threads; publishing then raises BusUnavailable. Not from a callback."""
        ...
