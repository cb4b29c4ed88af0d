"""What a camera tells of itself leads to itself, or nowhere."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.cameras.addresses import ServiceAddress, is_near, service_address, stream_address
from tools.cameras.envelope import NotUnderstood

HOST = "192.168.1.20"


@pytest.mark.parametrize("host", ["192.168.1.20", "10.0.0.1", "172.16.9.9", "169.254.3.4", "127.0.0.1", "100.64.1.1"])
def test_cameras_are_at_addresses_of_the_local_network(host: str) -> None:
    assert is_near(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "0.0.0.0", "239.255.255.250", "255.255.255.255", "240.0.0.1", "x", ""])  # noqa: S104
def test_strangers_are_not_near(host: str) -> None:
    assert not is_near(host)


@pytest.mark.parametrize(
    ("told", "port", "path"),
    [
        ("http://192.168.1.20/onvif/device_service", 80, "/onvif/device_service"),
        ("http://192.168.1.20:8000/onvif/device?a=b", 8000, "/onvif/device?a=b"),
        ("HTTP://192.168.1.20:8000", 8000, "/"),
    ],
)
def test_a_service_is_taken_where_the_camera_is(told: str, port: int, path: str) -> None:
    assert service_address(told, HOST) == ServiceAddress(HOST, port, path)


@pytest.mark.parametrize(
    "told",
    [
        "http://192.168.1.1/admin/reboot",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/",
        "http://192.168.1.20@10.0.0.1/",
        "http://192.168.1.20.example.org/",
        "http://192.168.1.20:99999/",
        "http://192.168.1.20:x/",
        "http://[::1/",
        "https://192.168.1.20/",
        "file:///etc/passwd",
        "ftp://192.168.1.20/",
        "//192.168.1.20/",
        "http://192.168.1.20/\r\nX-Evil: 1",
        "http://192.168.1.20/a b",
        "http://192.168.1.20/\N{SNOWMAN}",
        "http://192.168.1.20/" + "a" * 2000,
        "",
    ],
)
def test_a_service_anywhere_else_is_never_asked(told: str) -> None:
    with pytest.raises(NotUnderstood):
        service_address(told, HOST)


@pytest.mark.parametrize(
    ("told", "taken", "had_login"),
    [
        ("rtsp://192.168.1.20/stream1", "rtsp://192.168.1.20/stream1", False),
        ("rtsp://192.168.1.20:554/a?b=c&unicast=true", "rtsp://192.168.1.20:554/a?b=c&unicast=true", False),
        ("rtsps://192.168.1.20:322/a", "rtsps://192.168.1.20:322/a", False),
        ("rtsp://admin:hunter2@192.168.1.20:554/a", "rtsp://192.168.1.20:554/a", True),
        ("rtsp://:hunter2@192.168.1.20/a", "rtsp://192.168.1.20/a", True),
        (
            "rtsp://192.168.1.20/user=admin_password=hunter2_channel=1_stream=0.sdp?real_stream",
            "rtsp://192.168.1.20/user={user}_password={password}_channel=1_stream=0.sdp?real_stream",
            True,
        ),
        (
            "rtsp://192.168.1.20/live?username=admin&passwd=hunter2&ch=1",
            "rtsp://192.168.1.20/live?username={user}&passwd={password}&ch=1",
            True,
        ),
        ("rtsp://192.168.1.20/live?PWD=hunter2", "rtsp://192.168.1.20/live?PWD={password}", True),
        (
            "rtsp://192.168.1.20/user=a_b_password=hun_ter2_channel=1",
            "rtsp://192.168.1.20/user={user}_password={password}_channel=1",
            True,
        ),
        ("rtsp://192.168.1.20/a?superuser=1", "rtsp://192.168.1.20/a?superuser=1", False),
    ],
)
def test_a_stream_is_taken_without_the_login_in_its_address(told: str, taken: str, *, had_login: bool) -> None:
    assert stream_address(told, HOST) == (taken, had_login)


@pytest.mark.parametrize(
    "told",
    [
        "rtsp://8.8.8.8/stream1",
        "rtsp://192.168.1.21/stream1",
        "rtsp://0.0.0.0/stream1",
        "rtsp://camera.local/stream1",
        "rtsp://admin:hunter2@evil.example/192.168.1.20",
        "http://192.168.1.20/stream.mjpg",
        "rtmp://192.168.1.20/a",
        "/dev/video0",
        "rtsp://192.168.1.20/admin:hunter2@stream",
        "rtsp://192.168.1.20/a\nsource: file",
        "",
    ],
)
def test_a_stream_anywhere_else_is_not_taken_and_no_password_is_shown(told: str) -> None:
    with pytest.raises(NotUnderstood) as raised:
        stream_address(told, HOST)
    assert "hunter2" not in str(raised.value)
    assert str(raised.value).isprintable()


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#@:&_="), min_size=3, max_size=12),
    st.sampled_from(
        ["rtsp://admin:{0}@{1}/a", "rtsp://{1}/user=x_password={0}_channel=1", "rtsp://{1}/a?pass={0}&b=1"]
    ),
)
def test_no_password_is_ever_kept(password: str, form: str) -> None:
    secret = f"~{password}~"
    try:
        taken, had_login = stream_address(form.format(secret, HOST), HOST)
    except NotUnderstood as error:
        taken, had_login = str(error), True
    assert had_login
    assert secret not in taken


@given(st.text(max_size=200))
def test_any_text_is_taken_or_not_understood(told: str) -> None:
    for read in (service_address, stream_address):
        assert words_of(lambda read=read: read(told, HOST)).isprintable()  # type: ignore[misc]  # of either


def words_of(read: Callable[[], object]) -> str:
    """What a person is told; nothing where it is taken."""
    try:
        read()
    except NotUnderstood as error:
        return str(error)
    return ""


@given(st.from_regex(r"rtsp://192\.168\.1\.20(:[0-9]{1,6})?/[ -~]{0,30}", fullmatch=True))
def test_what_is_taken_leads_to_the_camera(told: str) -> None:
    try:
        taken, _ = stream_address(told, HOST)
    except NotUnderstood:
        return
    assert re.match(r"rtsp://192\.168\.1\.20(:[0-9]+)?(/|$)", taken)
