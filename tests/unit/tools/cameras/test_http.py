"""A camera's web server is waited for as long as was granted, whatever it does."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from smartcam.capture.credentials import CameraCredentials
from tests.fakes.onvif_camera import HOST, OnvifCamera, switched_on
from tools.cameras.addresses import ServiceAddress
from tools.cameras.envelope import LARGEST_ANSWER, NotUnderstood, read_xml, request
from tools.cameras.http import HttpPost

QUESTION = request("<Anything/>")


@pytest.fixture
def silent() -> Iterator[ServiceAddress]:
    """Takes connections and says nothing."""
    with socket.create_server((HOST, 0)) as door:
        yield ServiceAddress(HOST, door.getsockname()[1], "/")


def test_an_answer_comes_with_its_status() -> None:
    with switched_on(OnvifCamera()) as camera:
        status, raw = HttpPost()(ServiceAddress(HOST, camera.http_port, "/x"), QUESTION)
    assert status == 400
    assert read_xml(raw).tag.endswith("Envelope")


def test_a_server_that_drips_is_left_when_its_time_is_over() -> None:
    camera = OnvifCamera(says={"Anything": (200, b"x" * 300)}, lingers_s=0.02)
    with switched_on(camera), pytest.raises(NotUnderstood, match="in time"):
        HttpPost(granted_s=0.3)(ServiceAddress(HOST, camera.http_port, "/"), QUESTION)


def test_a_server_that_drips_its_head_is_left_too() -> None:
    over = threading.Event()

    def drip(door: socket.socket) -> None:
        line, _ = door.accept()
        with line:
            line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            with contextlib.suppress(OSError):
                for _ in range(250):
                    if over.wait(0.02):
                        return
                    line.sendall(b"y")

    with socket.create_server((HOST, 0)) as door:
        thread = threading.Thread(target=drip, args=(door,))
        thread.start()
        with pytest.raises(NotUnderstood, match="in time"):
            HttpPost(granted_s=0.3)(ServiceAddress(HOST, door.getsockname()[1], "/"), QUESTION)
        over.set()
        thread.join()


def test_a_server_that_says_nothing_is_left(silent: ServiceAddress) -> None:
    with pytest.raises(NotUnderstood, match="does not answer in time"):
        HttpPost(granted_s=0.2)(silent, QUESTION)


def test_a_server_that_sends_without_end_is_read_no_further_than_the_limit() -> None:
    with switched_on(OnvifCamera(says={"Anything": (200, b"x" * (10 * LARGEST_ANSWER))})) as camera:
        _, raw = HttpPost()(ServiceAddress(HOST, camera.http_port, "/"), QUESTION)
    assert len(raw) == LARGEST_ANSWER + 1


def test_nobody_there_is_not_understood() -> None:
    with socket.create_server((HOST, 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(NotUnderstood, match="cannot be asked"):
        HttpPost()(ServiceAddress(HOST, port, "/"), QUESTION)


def test_all_questions_together_have_one_time(silent: ServiceAddress) -> None:
    now = [0.0]
    post = HttpPost(None, 10, lambda: now[0])
    now[0] = 10.0
    with pytest.raises(NotUnderstood, match="does not answer in time"):
        post(silent, QUESTION)


def test_a_redirect_is_not_followed() -> None:
    with switched_on(OnvifCamera(says={"Anything": (302, b"")})) as camera:
        status, _ = HttpPost()(ServiceAddress(HOST, camera.http_port, "/"), QUESTION)
        assert (status, camera.asked) == (302, ["Anything"])


RIGHT = CameraCredentials("viewer", "hunter2")


def test_a_camera_that_asks_for_a_digest_gets_one() -> None:
    with switched_on(OnvifCamera(challenge="Digest", login=("viewer", "hunter2"))) as camera:
        place = ServiceAddress(HOST, camera.http_port, "/onvif/device_service")
        assert HttpPost(RIGHT)(place, request("<GetProfiles/>"))[0] == 200
        assert HttpPost(CameraCredentials("viewer", "wrong"))(place, request("<GetProfiles/>"))[0] == 401
        assert HttpPost()(place, request("<GetProfiles/>"))[0] == 401


def test_a_camera_that_asks_for_the_password_itself_does_not_get_it() -> None:
    with switched_on(OnvifCamera(challenge="Basic", login=("viewer", "hunter2"))) as camera:
        status, _ = HttpPost(RIGHT)(ServiceAddress(HOST, camera.http_port, "/"), request("<GetProfiles/>"))
        assert (status, camera.authorizations) == (401, [None])
