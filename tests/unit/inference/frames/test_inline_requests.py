import pytest

from smartcam.contract.errors import RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import decode_inline_request
from smartcam.inference.frames.inline_requests import InlineRequests
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock

YARD = CameraId("yard")
ABSENT = RingError("it is not there:\x07 capture does not write this camera")


def test_the_third_frame_in_a_row_that_cannot_be_read_is_reported_and_again_after_ten_seconds() -> None:
    nucleus, clock = FakeNucleus(), FakeClock()
    requests = InlineRequests(nucleus.bus("smartcam.Inference"), clock)

    def said() -> int:
        return len(nucleus.local_payloads("smartcam/transport/yard"))

    for expected in (0, 0, 1, 1):
        requests.failed(YARD, ABSENT)
        assert said() == expected
    clock.advance(11)
    requests.failed(YARD, ABSENT)
    assert said() == 2
    request = decode_inline_request(nucleus.local_payloads("smartcam/transport/yard")[0])
    assert (request.camera_id, request.reason) == (YARD, "it is not there:? capture does not write this camera")


def test_a_frame_that_can_be_read_begins_the_count_anew() -> None:
    nucleus = FakeNucleus()
    requests = InlineRequests(nucleus.bus("smartcam.Inference"), FakeClock())
    for _ in range(5):
        requests.failed(YARD, ABSENT)
        requests.failed(YARD, ABSENT)
        requests.succeeded(YARD)
    assert nucleus.local_payloads("smartcam/transport/yard") == []


def test_a_nucleus_that_does_not_allow_it_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    nucleus = FakeNucleus()
    nucleus.refused.add("smartcam/transport/yard")
    requests = InlineRequests(nucleus.bus("smartcam.Inference"), FakeClock())
    for _ in range(5):
        requests.failed(YARD, ABSENT)
    assert caplog.text.count("wish_not_sent") == 1
    assert nucleus.local_payloads() == []
