"""The broker as the component needs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from smartcam.contract.errors import SmartcamError
from smartcam.homeassistant.settings import HomeAssistantSettings


class BrokerAway(SmartcamError):
    """The broker cannot be reached, refuses us, or is gone; the message says what to do."""


LARGE_BYTES: Final = 8192
"""Only pictures have more."""

OnCommand = Callable[[str, bytes], None]
"""Takes a topic and a payload, in a thread of the connection's. It must not raise."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """How the component comes to a broker.

    `will` is a topic and the payload that the broker keeps there once the connection is over, however it ends.
    """

    client_id: str
    will: tuple[str, bytes]
    filters: tuple[str, ...]
    on_command: OnCommand


class BrokerLine(Protocol):
    """A connection that a broker has accepted. It is never opened again: connect anew."""

    @property
    def end(self) -> str | None:
        """Why it is over, in words; None while it is not."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Have the broker keep a payload; an empty one removes what is there.

        Of an empty one, and of one beyond `LARGE_BYTES`, the broker has said that it has it when this returns. Raises
        BrokerAway.
        """
        ...

    def close(self) -> None:
        """End it, if it has not ended; the will is done."""
        ...


Connect = Callable[[HomeAssistantSettings, Introduction], BrokerLine]
"""Returns once the broker has accepted. What it keeps for a filter is not delivered, only what comes from then on.

Raises BrokerAway, and SettingsError for a file that is wrong.
"""
