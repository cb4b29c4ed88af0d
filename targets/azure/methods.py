"""The direct methods of the module."""

from collections.abc import Callable, Mapping
from typing import Final

from smartcam.contract.errors import ContractError, OutboxError
from smartcam.contract.event import WHOLE_DEVICE, Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName, camera_id
from smartcam.contract.times import NS_PER_S, UtcNs
from targets.azure.port import MethodAnswer

TEST_EVENT: Final = "testEvent"
_CAMERA: Final = "camera"
_VALID_S: Final = 300
_DONE, _WRONG, _UNKNOWN, _FAILED = 200, 400, 404, 500


def answer(name: str, payload: object, raise_test: Callable[[CameraId], EventId]) -> MethodAnswer:
    """Do what a direct method asks: `testEvent`, with `{"camera": id}` or nothing, puts a test event into the outbox.

    The answer names the event; or it says what is wrong, and what to do.
    """
    if name != TEST_EVENT:
        return _error(_UNKNOWN, f"{name[:80]!r} is not a method of this module; known is {TEST_EVENT}")
    asked = {} if payload is None else payload
    if not isinstance(asked, Mapping) or set(asked) - {_CAMERA}:
        return _error(_WRONG, f'the payload must be {{}} or {{"{_CAMERA}": "its id"}}')
    try:
        camera = camera_id(str(asked[_CAMERA]), _CAMERA) if _CAMERA in asked else WHOLE_DEVICE
        return MethodAnswer(_DONE, {"event_id": raise_test(camera)})
    except ContractError as error:
        return _error(_WRONG, str(error))
    except OutboxError as error:
        return _error(_FAILED, f"the event could not be stored: {error}")


def event_of_a_test(event_id: EventId, thing: ThingName, camera: CameraId, now: UtcNs, *, synced: bool) -> Event:
    """An event that says what it is; `synced` is whether UTC is trusted."""
    return Event(
        event_id=event_id,
        thing=thing,
        camera_id=camera,
        kind=EventKind.TEST,
        phase=Phase.RAISED,
        severity=Severity.INFO,
        started_at=now,
        expires_at=UtcNs(now + _VALID_S * NS_PER_S),
        score=1.0,
        threshold=0.0,
        clock_synced=synced,
        label="a test by a direct method",
    )


def _error(status: int, text: str) -> MethodAnswer:
    return MethodAnswer(status, {"error": text})
