import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.addresses import FORM, IN_A_FILE, fault_of
from smartcam.capture.settings import read_settings
from smartcam.contract.errors import SettingsError

SECRETS = [
    "rtsp://admin:Hunter2@h/l",
    "rtsp://Hunter2@h/l",
    "rtsp://:Hunter2@h/l",
    "rtsps://admin:Hunter2@h/l",
    "RTSP://admin%3aHunter2%40h/l",
    "rtsp://admin%253AHunter2%2540h/l",
    "rtsp://admin:12/Hunter2@192.0.2.7/live",
    "rtsp://h/l?pw=Hunter2",
    "rtsp://h/l?PWD=Hunter2",
    "rtsp://h/l?pass=Hunter2",
    "rtsp://h/l?passwd=Hunter2",
    "rtsp://h/l?Password=Hunter2",
    "rtsp://h/l?p%61ssword=Hunter2",
    "rtsp://h/l?p%2561ss%3dHunter2",
    "rtsp://h/l?channel=1&auth=Hunter2",
    "rtsp://h/l?authbasic=Hunter2",
    "rtsp://h/l?Authorization=Basic+Hunter2",
    "rtsp://h/l?token=Hunter2",
    "rtsp://h/l?access_token=Hunter2",
    "rtsp://h/l?key=Hunter2",
    "rtsp://h/l?apikey=Hunter2",
    "rtsp://h/l?api-key=Hunter2",
    "rtsp://h/l?client_secret=Hunter2",
    "rtsp://h/l?loginuse=admin&loginpas=Hunter2",
    "rtsp://h/l?usr=admin;pwd=Hunter2",
    "rtsp://h/l?userpw=Hunter2",
    "rtsp://h/l?psw=Hunter2",
    "rtsp://h/l?passphrase=Hunter2",
    "rtsp://h/l?verification_code=Hunter2",
    "rtsp://h/l?login=admin:Hunter2",
    "rtsp://h/l?sid=Hunter2",
    "rtsp://h/l?u=admin&p=Hunter2",
    "rtsp://h/user=admin_p=Hunter2_channel=1",
    "rtsp://h/user/admin/password/Hunter2/live",
    "rtsp://h/admin:Hunter2/live",
    "rtsp://h/cam/admin:Hunter2",
    "rtsp://h/admin%3AHunter2/live",
    "rtsp://h/{user}:Hunter2/live",
    "rtsp://h/user=admin&password=Hunter2&channel=1.sdp",
    "rtsp://h/user=admin&password=Hunter2_channel=1.sdp?real_stream",
    "rtsp://h/user=admin_password=Hunter2_channel=1_stream=0.sdp",
    "rtsp://h/l;password=Hunter2",
    "rtsp://h/l#password=Hunter2",
    "rtsp://h/l?password:Hunter2",
    "rtsp://h/l?user[password]=Hunter2",
    "rtsp://h/l?a=1&b=2?password=Hunter2",
    "rtsp://h/l?password={password}Hunter2",
    "rtsp://h/l?password=%7Bpassword%7DHunter2",
    "rtsp://h/l?password={password}&token=Hunter2",
]
ADDRESSES = [
    "rtsp://192.0.2.7/live",
    "rtsps://192.0.2.7:322/live",
    "rtsp://cam.local:8554/cam/realmonitor?channel=1&subtype=0",
    "rtsp://h/Streaming/Channels/101?transportmode=unicast&profile=Profile_1",
    "rtsp://h/onvif/profile1/media.smp",
    "rtsp://h/axis-media/media.amp?resolution=640x480&compression=30&videokeyframeinterval=8",
    "rtsp://h/h264Preview_01_main",
    "rtsp://h/@1/compass=2&bypass=1",
    "rtsp://h/live/ch00_0?keyframe=1&author=me&passive=1",
    "rtsp://h/0:1/track:2",
    "rtsp://h/l?p=2&page=3",
    "rtsp://h/user/{user}/password/{password}/live",
    "rtsp://h/l?u={user}&p={password}",
    "rtsp://h/play?starttime=2026-11-29T12:30:00Z",
    "rtsp://h/user={user}&password={password}&channel=1.sdp",
    "rtsp://h/user={user}_password={password}_channel=1",
    "rtsp://h/{user}:{password}/live",
    "rtsp://h/{user}/{password}/live",
    "rtsp://h/l?user=viewer&pwd={password}",
    "rtsp://h/l?auth={user}{password}",
    "rtsp://h/l?password=&channel=1",
    "rtsp://[2001:db8::7]:554/live",
    "rtsp://h",
]


@pytest.mark.parametrize("url", SECRETS)
def test_an_address_that_holds_a_secret_is_sent_to_the_file_and_shown_nowhere(url: str) -> None:
    assert fault_of(url) == IN_A_FILE
    with pytest.raises(SettingsError) as caught:
        read_settings({"cameras": {"gate": {"source": "rtsp", "url": url, "credentials": "/c"}}})
    assert "Hunter2" not in f"{caught.value}{caught.value!r}{caught.value.value}"
    assert "{user} and {password}" in str(caught.value)


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_of_a_camera_is_taken_as_it_stands(url: str) -> None:
    assert fault_of(url) == ""


@given(
    st.sampled_from(["password", "pwd", "pw", "pass", "token", "auth", "secret", "key", "psw"]),
    st.lists(
        st.sampled_from([str, str.upper, str.title, lambda each: quote(quote(f"%{ord(each[0]):02x}") + each[1:])])
    ),
    st.sampled_from(
        ["/l?{}={}", "/l?a=1&{}={}&b=2", "/{}={}/l", "/a=1_{}={}_b=2", "/l;{}={}", "/x?y?{}={}", "/l#{}={}"]
    ),
    st.text("abcxyz0189!-", min_size=1, max_size=9),
)
def test_however_a_secret_is_spelled_it_is_seen(name: str, spellings: list[object], form: str, value: str) -> None:
    for spell in spellings:
        name = spell(name)  # type: ignore[operator]
    assert fault_of("rtsp://192.0.2.7" + form.format(name, value)) == IN_A_FILE


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://192.0.2.7/video.mjpg", "MJPEG stream, which is not read"),
        ("HTTPS://admin:Hunter2@192.0.2.7/snapshot", "MJPEG stream, which is not read"),
        ("rtmp://192.0.2.7/live", "RTMP, by which a camera sends to a server"),
        ("rtmps://192.0.2.7/live", "RTMP, by which a camera sends to a server"),
        ("rtspu://192.0.2.7/live", "`rtsp_transport: udp`"),
        ("rtspt://192.0.2.7/live", "`rtsp_transport: tcp`"),
        ("rtp://192.0.2.7:5004", "without the session"),
        ("udp://@239.0.0.1:1234", "without the session"),
        ("file:///clips/a.mp4", "`source: file`"),
        ("srt://192.0.2.7:9000", FORM),
        ("192.0.2.7/live", FORM),
        ("rtsp:/192.0.2.7/live", FORM),
    ],
)
def test_another_way_of_cameras_gets_an_answer_of_its_own(url: str, words: str) -> None:
    assert words in fault_of(url)
    assert "Hunter2" not in fault_of(url)


@pytest.mark.parametrize(
    "url", ["rtsp://h/{username}/l", "rtsp://h/{pass}", "rtsp://h/{", "rtsp://h/%7Buser%7D", "rtsp://h/{USER}"]
)
def test_braces_that_nothing_is_put_into_are_named(url: str) -> None:
    assert fault_of(url) == "may hold {user} and {password}, written so, and no other braces"


def test_a_user_without_a_place_for_the_password_is_named() -> None:
    assert "the password would reach nobody" in fault_of("rtsp://h/{user}/live")


@pytest.mark.parametrize("word", ["udp", "tcp", "http", "multicast", "filter_src"])
@pytest.mark.parametrize("form", ["?{}", "?a=1&{}", "?a?{}", "?{}&a=1"])
def test_a_word_by_which_ffmpeg_takes_another_way_is_refused_wherever_it_stands(form: str, word: str) -> None:
    fault = fault_of("rtsp://h/l" + form.format(word))
    assert re.match(f"must not end in {word}: `rtsp_transport` says", fault)


@pytest.mark.parametrize(
    "host", ["h..x", ".h", "h..", "a" * 64, f"{'a' * 64}.example", f"{'a.' * 127}ab", "192.0.2..7", ".", "a-b..", "..."]
)
def test_a_host_that_no_name_server_could_know_is_refused(host: str) -> None:
    assert fault_of(f"rtsp://{host}/live") == FORM


@pytest.mark.parametrize("host", ["gate", "gate.", "gate_1.local", f"{'a' * 63}.example", "192.0.2.7", "[2001:db8::7]"])
def test_a_host_with_a_name_or_an_address_is_taken(host: str) -> None:
    assert not fault_of(f"rtsp://{host}:554/live")
