"""Messages as IoT rules and timers hand them to a function, and the shape of a refused one."""

import base64
import json
from collections.abc import Mapping
from typing import Final, Protocol

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import ThingName
from smartcam.contract.reading import Fields
from smartcam.contract.times import NS_PER_MS, UtcNs

REDRIVEN: Final = "redriven"
"""How often a person has handed the message over again."""
_LONGEST_PAYLOAD: Final = 200_000
"""Base64 of the 128 KB that IoT Core takes at most."""
_YEAR_9999_MS: Final = 253_402_300_799_999


class Refusals(Protocol):
    """Where refused messages are kept for a person to look at."""

    def keep(self, document: Mapping[str, object], reason: str) -> None:
        """Keep what the rule selected. Raises what the queue raises: what could not be kept must be delivered again."""


def payload_of(fields: Fields) -> bytes:
    """The message as it was published; it may be empty. Raises ContractError."""
    encoded = fields.text("payload", _LONGEST_PAYLOAD) if fields.document.get("payload") != "" else ""
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:  # what is not ASCII is no binascii.Error
        raise ContractError("payload", "must be base64") from error


def moment(fields: Fields, key: str) -> UtcNs:
    """A time in milliseconds. Raises ContractError."""
    return UtcNs(fields.integer(key, highest=_YEAR_9999_MS) * NS_PER_MS)


def rule_document(thing: ThingName, payload: bytes, arrived_at: UtcNs, **more: str) -> dict[str, object]:
    """A message as the rules' SQL selects it: what the functions above read."""
    encoded = base64.b64encode(payload).decode()
    return {"payload": encoded, "topic_thing": thing, "arrived_ms": arrived_at // NS_PER_MS, **more}


def refusal(request: Mapping[str, object], reason: str) -> str:
    """A message for the on-failure queue, in the shape in which Lambda puts its own failures there."""
    body = {
        "version": "1.0",
        "requestContext": {"condition": "Refused"},
        "requestPayload": request,
        "responsePayload": {"errorType": "ContractError", "errorMessage": reason},
    }
    return json.dumps(body)
