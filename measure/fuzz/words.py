"""Messages between the components, the device and the cloud."""

from typing import Final

from measure.fuzz.target import Target, decoding
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event
from smartcam.contract.health import Health
from smartcam.contract.wanted import Wanted

TARGETS: Final = {
    "event": Target(
        decoding(Event.from_json, ContractError, Event.to_json), ("smartcam.contract.event",), lambda: (b"{}",)
    ),
    "health": Target(
        decoding(Health.from_json, ContractError, Health.to_json), ("smartcam.contract.health",), lambda: (b"{}",)
    ),
    "acknowledgement": Target(
        decoding(Acknowledgement.from_json, ContractError, Acknowledgement.to_json),
        ("smartcam.contract.ack",),
        lambda: (b"{}",),
    ),
    "wanted": Target(
        decoding(Wanted.from_json, ContractError, Wanted.to_json), ("smartcam.contract.wanted",), lambda: (b"{}",)
    ),
}
