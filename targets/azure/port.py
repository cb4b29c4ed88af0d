"""What the module needs of its hub."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for an output of the module. With the same `identity` twice, it is the same message sent again."""

    output: str
    payload: bytes
    identity: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MethodAnswer:
    """What a direct method answers: a status as of HTTP, and an object that JSON can say."""

    status: int
    payload: Mapping[str, object]


class Hub(Protocol):
    """Where messages to the cloud go."""

    def send(self, message: Outgoing) -> None:
        """Returns when the hub has acknowledged the message, and so has stored it.

        Raises:
            BusUnavailable: the hub is away, or did not answer in time; it may have the message all the same.
        """
        ...
