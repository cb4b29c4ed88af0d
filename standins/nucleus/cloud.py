"""The connection to IoT Core, as the nucleus sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Deliver = Callable[[str, bytes], None]
"""Takes a topic and a payload from the cloud, in the nucleus's event loop."""
Notice = Callable[[bool, str], None]
"""Called with whether the connection is up, and the reason when it is not."""


class CloudUnavailable(Exception):
    """The connection to IoT Core is down, or the broker refused."""


@dataclass(frozen=True, slots=True)
class CloudMessage:
    """One message to or from IoT Core."""

    topic: str
    payload: bytes
    qos: int = 0


class Cloud(Protocol):
    """A connection to IoT Core. All methods belong to the nucleus's event loop."""

    @property
    def configured(self) -> bool:
        """Whether there is an endpoint at all."""

    def start(self, deliver: Deliver, notice: Notice) -> None:
        """Start connecting, and keep trying."""

    async def publish(self, message: CloudMessage) -> None:
        """Returns when the broker has taken the message (QoS 1). Raises CloudUnavailable."""

    async def subscribe(self, topic_filter: str, qos: int) -> None:
        """Returns when the broker has accepted; kept over reconnects. Raises CloudUnavailable."""

    async def unsubscribe(self, topic_filter: str) -> None:
        """Forget a subscription; silent when the connection is down."""

    async def stop(self) -> None:
        """Disconnect and wait for the end."""


class NoCloud:
    """The cloud of a device without an endpoint."""

    configured = False

    def start(self, deliver: Deliver, notice: Notice) -> None:
        """Nothing will ever be delivered."""
        del deliver
        notice(False, "no endpoint is configured")

    async def publish(self, message: CloudMessage) -> None:
        """Raises CloudUnavailable, always."""
        raise CloudUnavailable(f"no endpoint is configured: {message.topic} cannot be published")

    async def subscribe(self, topic_filter: str, qos: int) -> None:
        """Raises CloudUnavailable, always."""
        raise CloudUnavailable(f"no endpoint is configured: {topic_filter} cannot be subscribed (QoS {qos})")

    async def unsubscribe(self, topic_filter: str) -> None:
        """There is nothing to forget."""

    async def stop(self) -> None:
        """There is nothing to stop."""
