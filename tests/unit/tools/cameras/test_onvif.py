"""What a camera tells of its streams, asked in memory: the same answers as its stand-in gives by HTTP."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.credentials import CameraCredentials
from tests.fakes.onvif_camera import HOST, Offer, OnvifCamera, envelope
from tools.cameras.addresses import ServiceAddress
from tools.cameras.envelope import NotUnderstood
from tools.cameras.onvif import MOST_PROFILES, LoginWanted, OfferedStream, OnvifTalk, by_picture

SERVICE = ServiceAddress(HOST, 80, "/onvif/device_service")
RIGHT = CameraCredentials("viewer", "hunter2 & <co>")
LOCKED = (RIGHT.user, RIGHT.password)


class Wire:
    """To a camera, keeping which services are asked."""

    def __init__(self, camera: OnvifCamera) -> None:
        self.camera = camera
        self.asked: list[ServiceAddress] = []
        self.sent: list[bytes] = []

    def __call__(self, service: ServiceAddress, body: bytes) -> tuple[int, bytes]:
        self.asked.append(service)
        self.sent.append(body)
        return self.camera.answer(body)


def talk(camera: OnvifCamera, login: CameraCredentials | None = None) -> OnvifTalk:
    return OnvifTalk(SERVICE, Wire(camera), login)


def urls(camera: OnvifCamera, login: CameraCredentials | None = None) -> list[str]:
    return [stream.url for stream in talk(camera, login).streams()[0]]


def test_each_profile_has_its_stream_with_size_and_encoding() -> None:
    offers = (
        Offer("main", f"rtsp://{HOST}/1", (2560, 1440), "H265"),
        Offer("sub&<", f"rtsp://{HOST}/2?a=b&c=d", (640, 360)),
    )
    streams, reasons = talk(OnvifCamera(offers)).streams()
    assert reasons == ()
    assert streams == (
        OfferedStream(f"rtsp://{HOST}/1", "lens-1", (2560, 1440), "H265", had_login=False),
        OfferedStream(f"rtsp://{HOST}/2?a=b&c=d", "lens-1", (640, 360), "H264", had_login=False),
    )


def test_a_token_is_sent_as_it_was_told() -> None:
    offers = (Offer("a&b<", f"rtsp://{HOST}/1"),)
    camera = OnvifCamera(offers, says={"GetStreamUri": (200, envelope(f"<Uri>rtsp://{HOST}/1</Uri>"))})
    wire = Wire(camera)
    OnvifTalk(SERVICE, wire).streams()
    assert b"<ProfileToken>a&amp;b&lt;</ProfileToken>" in wire.sent[-1]


def test_a_camera_that_wants_a_login_says_so_and_a_wrong_one_is_refused() -> None:
    camera = OnvifCamera(login=LOCKED)
    with pytest.raises(LoginWanted, match="it wants a login"):
        urls(camera)
    with pytest.raises(LoginWanted, match="refuses this user or password"):
        urls(camera, CameraCredentials("viewer", "wrong"))
    assert urls(camera, RIGHT) == [f"rtsp://{HOST}:554/stream1"]


@pytest.mark.parametrize("ahead_s", [-86_400 * 3650.0, -3600.0, 90.0, 86_400.0])
def test_a_camera_with_a_wrong_clock_takes_the_login_all_the_same(ahead_s: float) -> None:
    assert urls(OnvifCamera(login=LOCKED, clock_ahead_s=ahead_s), RIGHT) == [f"rtsp://{HOST}:554/stream1"]


@pytest.mark.parametrize(
    "said",
    [b"", b"<a/>", envelope("<UTCDateTime><Year>99999</Year></UTCDateTime>"), envelope("<UTCDateTime/>")],
)
def test_a_camera_that_tells_no_time_is_taken_at_ours(said: bytes) -> None:
    camera = OnvifCamera(login=LOCKED, says={"GetSystemDateAndTime": (200, said)})
    assert urls(camera, RIGHT) == [f"rtsp://{HOST}:554/stream1"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_refuses_by_http_wants_a_login_too(status: int) -> None:
    with pytest.raises(LoginWanted):
        urls(OnvifCamera(says={"GetProfiles": (status, b"<html>no</html>")}))


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ({"GetProfiles": (200, envelope("<GetProfilesResponse/>"))}, "it tells no streams"),
        ({"GetProfiles": (500, b"oops")}, "HTTP status 500"),
        ({"GetProfiles": (500, b"<a/>")}, "HTTP status 500"),
        ({"GetProfiles": (200, b"oops")}, "not XML"),
        ({"GetProfiles": (302, b"")}, "HTTP status 302"),
        ({"GetCapabilities": (400, envelope("<Fault><Text>Busy</Text></Fault>"))}, "a SOAP fault"),
        ({"GetProfiles": (200, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')}, "document type"),
    ],
)
def test_an_answer_that_helps_nobody_is_one_reason(says: dict[str, tuple[int, bytes]], reason: str) -> None:
    with pytest.raises(NotUnderstood, match=reason):
        urls(OnvifCamera(says=says))


@pytest.mark.parametrize("told", ["http://192.168.1.1/reboot", "http://8.8.8.8/", "https://127.0.0.1/"])
def test_a_camera_cannot_send_us_to_another_host(told: str) -> None:
    said = envelope(f"<Capabilities><Media><XAddr>{told}</XAddr></Media></Capabilities>")
    wire = Wire(OnvifCamera(says={"GetCapabilities": (200, said)}))
    with pytest.raises(NotUnderstood):
        OnvifTalk(SERVICE, wire).streams()
    assert {service.host for service in wire.asked} == {HOST}


def test_a_camera_that_tells_no_media_service_is_asked_where_it_answers() -> None:
    wire = Wire(OnvifCamera(says={"GetCapabilities": (200, envelope("<Capabilities/>"))}))
    assert OnvifTalk(SERVICE, wire).streams()[0]
    assert set(wire.asked) == {SERVICE}


def test_a_stream_elsewhere_is_left_out_with_the_reason_and_the_others_are_kept() -> None:
    camera = OnvifCamera((Offer("a", "rtsp://8.8.8.8/1"), Offer("b", f"rtsp://{HOST}/2"), Offer("c", "x://y")))
    streams, reasons = talk(camera).streams()
    assert [stream.url for stream in streams] == [f"rtsp://{HOST}/2"]
    assert reasons == (
        "it tells an address at 8.8.8.8, which is not its own: not used",
        "its stream is not RTSP but x",
    )


def test_a_camera_with_profiles_without_end_is_asked_for_a_few() -> None:
    camera = OnvifCamera(tuple(Offer(f"p{number}", f"rtsp://{HOST}/{number}") for number in range(500)))
    assert len(urls(camera)) == MOST_PROFILES
    assert camera.asked.count("GetStreamUri") == MOST_PROFILES


def test_no_password_is_sent_anywhere() -> None:
    wire = Wire(OnvifCamera(login=LOCKED))
    OnvifTalk(SERVICE, wire, RIGHT).streams()
    assert not any(b"hunter2" in body for body in wire.sent)
    assert b"Username" not in wire.sent[0]  # the question for the time is open


def test_each_question_has_a_number_of_its_own() -> None:
    camera = OnvifCamera(login=LOCKED)
    OnvifTalk(SERVICE, Wire(camera), RIGHT).streams()
    assert len(camera.nonces) == 3


def test_a_clock_beyond_the_calendar_is_no_trouble() -> None:
    said = envelope(
        "<UTCDateTime><Year>9999</Year><Month>12</Month><Day>31</Day><Hour>23</Hour><Minute>59</Minute>"
        "<Second>59</Second></UTCDateTime>"
    )
    there = OnvifTalk(
        SERVICE,
        OnvifCameraAnswers(said),
        RIGHT,
        utc=lambda: datetime(2026, 11, 29, tzinfo=UTC).timestamp(),
    )
    with pytest.raises(NotUnderstood, match="it tells no streams"):
        there.streams()


class OnvifCameraAnswers:
    """Says the same to everything."""

    def __init__(self, said: bytes) -> None:
        self.said = said

    def __call__(self, service: ServiceAddress, body: bytes) -> tuple[int, bytes]:
        assert service
        assert body
        return 200, self.said


def stream(url: str, lens: str = "1", size: tuple[int, int] = (1280, 720)) -> OfferedStream:
    return OfferedStream(url, lens, size, "H264", had_login=False)


def test_the_stream_to_analyse_is_the_largest_that_a_small_device_decodes() -> None:
    sizes = [(3840, 2160), (640, 360), (1920, 1080), (1280, 720)]
    [several] = by_picture([stream(str(size), size=size) for size in sizes])
    assert [each.size for each in several] == [(1920, 1080), (1280, 720), (640, 360), (3840, 2160)]


def test_streams_of_unknown_size_keep_the_cameras_order_and_the_same_one_is_named_once() -> None:
    [several] = by_picture([stream("a", size=(0, 0)), stream("b", size=(0, 0)), stream("a", size=(0, 0))])
    assert [each.url for each in several] == ["a", "b"]


def test_each_channel_of_a_recorder_is_a_camera() -> None:
    several = by_picture([stream("a1", "1"), stream("b1", "2"), stream("a2", "1", (640, 360))])
    assert [[each.url for each in one] for one in several] == [["a1", "a2"], ["b1"]]


@given(st.dictionaries(st.sampled_from(["GetCapabilities", "GetProfiles", "GetStreamUri"]), st.binary(max_size=200)))
def test_whatever_a_camera_says_ends_in_streams_or_one_reason(said: dict[str, bytes]) -> None:
    camera = OnvifCamera(says={question: (200, raw) for question, raw in said.items()})
    try:
        streams, reasons = talk(camera).streams()
    except NotUnderstood as error:
        streams, reasons = (), (str(error),)
    assert streams or reasons
    assert all(reason.isprintable() for reason in reasons)
