"""The direct methods."""

import pytest

from smartcam.contract.errors import OutboxError
from smartcam.contract.event import WHOLE_DEVICE
from smartcam.contract.ids import CameraId, EventId
from targets.azure.methods import answer

ID = EventId("01890a5d-ac96-774b-bcce-b302099a8057")


class Raised:
    def __init__(self, error: Exception | None = None) -> None:
        self.cameras: list[CameraId] = []
        self.error = error

    def __call__(self, camera: CameraId) -> EventId:
        if self.error is not None:
            raise self.error
        self.cameras.append(camera)
        return ID


@pytest.mark.parametrize(
    ("payload", "camera"), [({"camera": "yard"}, "yard"), ({}, WHOLE_DEVICE), (None, WHOLE_DEVICE)]
)
def test_a_test_event_is_raised_for_the_camera_or_the_device_and_named(payload: object, camera: str) -> None:
    raised = Raised()
    said = answer("testEvent", payload, raised)
    assert (said.status, said.payload) == (200, {"event_id": ID})
    assert raised.cameras == [camera]


@pytest.mark.parametrize("payload", [[], "yard", 1, {"camera": "a b"}, {"camera": ""}, {"cam": "yard"}])
def test_a_wrong_payload_raises_nothing_and_says_what_is_wrong(payload: object) -> None:
    raised = Raised()
    said = answer("testEvent", payload, raised)
    assert said.status == 400
    assert "must be" in str(said.payload["error"])
    assert raised.cameras == []


def test_another_method_is_not_known() -> None:
    said = answer("reboot", {}, Raised())
    assert said.status == 404
    assert "testEvent" in str(said.payload["error"])


def test_an_event_that_the_disk_does_not_take_is_told() -> None:
    assert answer("testEvent", {}, Raised(OutboxError("the disk is full"))).status == 500
