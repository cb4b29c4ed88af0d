"""The cloud's acknowledgement of an event, which from then on is the cloud's responsibility."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import Phase
from smartcam.contract.ids import EventId, event_id
from smartcam.contract.reading import Fields, dump_object, parse_object, printable

ACK_SCHEMA: Final = 1
_LONGEST_REASON = 256


class AckStatus(StrEnum):
    """`accepted`: recorded. `refused`: it will never be taken, and sending it again is useless."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the cloud did with one phase of one event; `reason` says why it was refused.

    `revision` is the latest revision that is acknowledged; None, from a cloud that knows no revisions, means all.
    """

    event_id: EventId
    phase: Phase
    status: AckStatus
    reason: str = ""
    revision: int | None = None

    def to_json(self) -> bytes:
        """The acknowledgement as JSON in UTF-8."""
        return dump_object(
            {
                "schema": ACK_SCHEMA,
                "event_id": self.event_id,
                "phase": self.phase,
                "status": self.status,
                "reason": printable(self.reason, " ")[:_LONGEST_REASON] or None,
                "revision": self.revision,
            }
        )

    @classmethod
    def from_json(cls, payload: bytes | str) -> "Acknowledgement":
        """The acknowledgement in a payload. Raises ContractError naming the first wrong field."""
        fields = Fields(parse_object(payload, "acknowledgement"))
        if fields.integer("schema") != ACK_SCHEMA:
            raise ContractError("schema", f"must be {ACK_SCHEMA}")
        return cls(
            event_id=event_id(fields.text("event_id")),
            phase=fields.choice("phase", Phase),
            status=fields.choice("status", AckStatus),
            reason=fields.optional_text("reason", _LONGEST_REASON) or "",
            revision=fields.optional_integer("revision"),
        )
