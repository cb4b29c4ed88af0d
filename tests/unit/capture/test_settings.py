from pathlib import Path

import pytest

from smartcam.capture.settings import (
    AtEnd,
    CaptureSettings,
    FootageSettings,
    Pacing,
    RecordingSettings,
    SourceKind,
    SourceSettings,
    TransportKind,
    read_settings,
)
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId
from smartcam.vision.turn import AS_IT_IS, quarter_turn
from smartcam.vision.zone import Zone

YARD = CameraId("yard")


def test_an_empty_document_means_no_camera() -> None:
    assert read_settings({}) == CaptureSettings() == read_settings({"cameras": {}, "accessControl": {"x": {}}})


def test_a_camera_needs_no_more_than_a_path() -> None:
    assert read_settings({"cameras": {"yard": {"path": "/clips/a.mp4"}}}).cameras == (
        SourceSettings(YARD, Path("/clips/a.mp4")),
    )


def one(**table: object) -> SourceSettings:
    (camera,) = read_settings({"cameras": {"yard": table}}).cameras
    return camera


def test_masks_and_ignored_zones_are_named_polygons() -> None:
    corner = [[0, 0], [0.25, 0], [0, "0.25"]]
    camera = one(path="a.mp4", masks={"window": corner}, ignored={"tree": corner})
    assert camera.masks == (Zone("window", ((0.0, 0.0), (0.25, 0.0), (0.0, 0.25))),)
    assert [zone.name for zone in camera.ignored] == ["tree"]


@pytest.mark.parametrize("key", ["masks", "ignored"])
@pytest.mark.parametrize(
    ("corners", "said"),
    [
        ([[0, 0], [1, 1]], "three or more corners"),
        ([[0, 0], [2, 0], [0, 2]], "each from 0 to 1"),
        ([[0, 0], [1280, 0], [1280, 720]], "each from 0 to 1"),
        ([[0, 0], [1, 1], [1, 0], [0, 1]], "cross"),
        ([[0, 0], [0.5, 0.5], [1, 1]], "area"),
        ([[0, 0], [1, 0], [1, 1], [0, 1]], "cover the whole picture"),
        ("everything", "three or more corners"),
    ],
)
def test_a_polygon_that_is_none_is_refused_in_one_line_that_names_its_key(key: str, corners: object, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        one(path="a.mp4", **{key: {"window": corners}})
    assert refusal.value.key.startswith(f"cameras.yard.{key}")
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_each_kind_of_camera_has_its_place() -> None:
    url = "rtsp://192.0.2.7:8554/cam/realmonitor?channel=1&subtype=0"
    assert one(source="rtsp", url=url).place == url
    assert one(source="rtsp", url="rtsp://[2001:db8::7]/live").place == "rtsp://[2001:db8::7]/live"
    assert one(source="v4l2").place == "/dev/video0"
    assert one(source="v4l2", device="/dev/v4l/by-id/usb-046d_C920-video-index0").place.endswith("index0")
    assert one(source="picamera").place == "0"
    assert one(source="picamera", device="1").place == "1"
    assert one(path="/clips/a.mp4").place == "/clips/a.mp4"


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:Hunter2@192.0.2.7/live",
        "rtsp://Hunter2@192.0.2.7/live",
        "http://192.0.2.7/Hunter2",
        "rtsp:///Hunter2",
        "rtsp://host:port/Hunter2",
        "rtsp://ho st/Hunter2",
        "rtsp://host/Hunter2 -f lavfi",
        "Hunter2",
        "exec:Hunter2",
        "rtsp://admin%3AHunter2%40192.0.2.7/live",
        "rtsp://192.0.2.7/live?user=admin&password=Hunter2",
        "rtsp://192.0.2.7/user=admin_PASSWORD=Hunter2_channel=1",
        "rtsp://192.0.2.7/live?pwd=Hunter2",
        "rtsp://192.0.2.7/live?token=Hunter2",
        "rtsp://admin:Hunter2@192.0.2.7/live\n",
        "rtsp://admin:Hunter2@192.0.2.7/" + "x" * 1024,
        "",
    ],
)
def test_an_address_that_is_none_or_holds_a_password_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        one(source="rtsp", url=url)
    assert caught.value.key == "cameras.yard.url"
    assert "Hunter2" not in f"{caught.value} {caught.value.value}"
    is_secret = ("@" in url or "=" in url) and url.isprintable() and len(url) <= 1024
    assert not is_secret or "name a file in `credentials`" in caught.value.remedy


@pytest.mark.parametrize(
    "document",
    [
        {"cameras": {"yard": {"source": "rtsp", "ur": "rtsp://admin:Hunter2@192.0.2.7/live"}}},
        {"camera": {"yard": {"source": "rtsp", "url": "rtsp://admin:Hun/ter2@192.0.2.7/live"}}},
        {"cameras": {"yard": {"source": "rtsp", "address": "rtsp://192.0.2.7/live?password=Hunter2&channel=1"}}},
        {"cameras": {"yard": "rtsp://Hunter2@192.0.2.7/live"}},
        {"cameras": {"yard": {"path": "a.mp4", "password": "Hunter2"}}},
        {"camera": {"yard": {"password": "Hunter2"}}},
        {"cameras": {"yard": {"source": "rtsp", "url": "rtsp://h/l", "credentials": "user=a\npassword=Hunter2\n"}}},
        {"cameras": {"yard": {"source": "rtsp", "url": "rtsp://h/l", "credentials": "password=Hunter2"}}},
    ],
)
def test_a_password_at_a_wrong_place_is_not_shown(document: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="not shown") as caught:
        read_settings(document)
    assert "ter2" not in " ".join(str(error) for error in (caught.value, *caught.value.also))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("rtsp://192.0.2.7/live", "write `source: rtsp`"),
        ("rtsp://admin:Hunter2@192.0.2.7/live", "name a file in `credentials`"),
        ("http://192.0.2.7/video.mjpg?pw=Hunter2", "MJPEG stream, which is not read"),
        ("rtmp://192.0.2.7/live", "is RTMP"),
        ("file:///clips/a.mp4", "`source: file` and `path`"),
    ],
)
def test_an_address_in_the_place_of_a_clip_is_told_where_it_belongs(path: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        one(path=path)
    assert said in str(caught.value)
    assert "Hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "table",
    [
        {"source": "v4l2", "device": "rtsp://h/l?pw=Hunter2"},
        {"source": "v4l2", "path": "rtsp://h/l?auth=Hunter2"},
        {"source": "http://h/l?psw=Hunter2"},
        {"source": "rtsp", "url": "rtsps://h/l", "ca_file": "pass=Hunter2"},
    ],
)
def test_no_error_about_another_key_shows_a_secret_that_stands_there(table: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="not shown") as caught:
        one(**table)
    assert "Hunter2" not in str(caught.value)


@pytest.mark.parametrize("word", ["udp", "multicast", "tcp", "http", "filter_src"])
def test_a_word_by_which_ffmpeg_would_take_another_way_is_refused(word: str) -> None:
    with pytest.raises(SettingsError, match=f"must not end in {word}"):
        one(source="rtsp", url=f"rtsp://h/live?channel=1&{word}")
    assert one(source="rtsp", url=f"rtsp://h/live?channel={word}").url


def test_odd_addresses_of_cameras_are_taken_as_they_stand() -> None:
    for url in (
        "rtsp://[fe80::1%25eth0]:8554/live",
        "rtsp://cam.local/user={user}_password={password}_channel=1",
        "rtsp://cam.local/live?user={user}&password={password}",
        "RTSP://cam.local/Streaming/Channels/101?transportmode=unicast&profile=Profile_1",
        "rtsp://cam.local/@1/compass=2",
    ):
        assert one(source="rtsp", url=url, credentials="/c" if "{" in url else "").url == url


@pytest.mark.parametrize(
    ("table", "key", "remedy"),
    [
        ({"source": "v4l2", "device": "/dev/sda"}, "device", "must be /dev/video<number>"),
        ({"source": "v4l2", "device": "/dev/video0; reboot"}, "device", "must be /dev/video<number>"),
        ({"source": "v4l2", "device": "/dev/v4l/by-id/../../sda"}, "device", "must be /dev/video<number>"),
        ({"source": "picamera", "device": "/dev/video0"}, "device", "must be the camera's number"),
        ({"source": "rtsp", "url": "rtsp://h/l", "credentials": "here"}, "credentials", "must be the absolute path"),
        ({"source": "file", "path": "a", "url": "rtsp://h/l"}, "url", "is no setting of a camera whose source is file"),
        ({"source": "file", "path": "a", "device": "0"}, "device", "is no setting of a camera whose source is file"),
        ({"source": "v4l2", "credentials": "/c"}, "credentials", "is no setting of a camera whose source is v4l2"),
        ({"source": "v4l2", "path": "/c"}, "path", "is no setting of a camera whose source is v4l2"),
        ({"source": "ffmpeg"}, "source", "must be one of file, rtsp, v4l2, picamera"),
        ({"source": "v4l2", "decoder": "h264 -i x"}, "decoder", "must be one of software, auto"),
        ({"source": "v4l2", "transport": "tcp"}, "transport", "must be one of auto, shared, inline"),
        ({"source": "v4l2", "width": 10}, "width", "must be a whole number from 64 to 8192"),
        ({"source": "v4l2", "max_fps": 1000}, "max_fps", "must be a number from 0 to 240"),
        ({"source": "v4l2", "inline_side": 100}, "inline_side", "must be a whole number from 160 to 1920"),
    ],
)
def test_what_does_not_fit_the_kind_of_camera_is_named(table: dict[str, object], key: str, remedy: str) -> None:
    with pytest.raises(SettingsError, match=remedy) as caught:
        one(**table)
    assert caught.value.key == f"cameras.yard.{key}"


@pytest.mark.parametrize("word", ["off", "false", "no", "0", False, 0])
def test_a_certificate_goes_unchecked_only_where_that_is_written(word: object) -> None:
    url = "rtsps://192.0.2.7/live"
    assert one(source="rtsp", url=url).verify
    assert (
        one(source="rtsp", url=url, verify="on", ca_file="/etc/smartcam/gate.pem").ca_file == "/etc/smartcam/gate.pem"
    )
    assert not one(source="rtsp", url=url, verify=word).verify
    with pytest.raises(SettingsError, match="verify = 'maybe': must be true or false"):
        one(source="rtsp", url=url, verify="maybe")


@pytest.mark.parametrize(
    ("table", "key", "remedy"),
    [
        ({"verify": "off"}, "verify", "is only for an address that begins with rtsps://"),
        ({"ca_file": "/ca.pem"}, "ca_file", "is only for an address that begins with rtsps://"),
        ({"ca_file": "ca.pem", "url": "rtsps://h/l"}, "ca_file", "must be the absolute path"),
        ({"rtsp_transport": "udp", "url": "RTSPS://h/l"}, "rtsp_transport", "must be tcp where the address begins"),
        ({"rtsp_transport": "http"}, "rtsp_transport", "must be one of tcp, udp"),
        ({"source": "v4l2", "url": "", "rtsp_transport": "udp"}, "rtsp_transport", "is no setting of a camera whose"),
        ({"url": "rtsp://h/{user}/{password}"}, "url", "`credentials` names no file that has them"),
        ({"url": "rtsp://h/l?pw={password}", "credentials": ""}, "url", "`credentials` names no file that has them"),
    ],
)
def test_how_a_camera_is_called_must_fit_its_address(table: dict[str, object], key: str, remedy: str) -> None:
    with pytest.raises(SettingsError, match=remedy) as caught:
        one(**{"source": "rtsp", "url": "rtsp://h/l", **table})
    assert caught.value.key == f"cameras.yard.{key}"


@pytest.mark.parametrize("degrees", [90, "90", 90.0, "90.0"])
def test_a_camera_may_be_mounted_turned_and_mirrored(degrees: object) -> None:
    camera = one(path="a.mp4", rotate=degrees, mirror="true")
    assert (camera.rotate, camera.mirror) == (90, True)
    assert camera.turn == quarter_turn(90, mirror=True)
    assert one(path="a.mp4").turn == AS_IT_IS


@pytest.mark.parametrize("degrees", [45, -90, 360, "left", True, [90], float("nan")])
def test_a_turn_that_is_no_quarter_is_refused_with_those_that_are(degrees: object) -> None:
    with pytest.raises(
        SettingsError, match=r"cameras\.yard\.rotate = .*: must be one of 0, 90, 180, 270 degrees clockwise"
    ):
        one(path="a.mp4", rotate=degrees)


def test_scalars_may_come_as_strings_as_lite_delivers_them() -> None:
    document = {
        "source": "file",
        "path": "a.mp4",
        "pacing": "fast",
        "at_end": "reopen",
        "analyse_fps": "2.5",
        "keep_alive_s": "3",
        "sensitivity": "0.75",
        "start_delay_s": "4",
        "stall_s": "20",
        "max_fps": "12.5",
        "inline_side": "320",
        "transport": "inline",
    }
    assert read_settings({"cameras": {"yard": document}}).cameras == (
        SourceSettings(
            YARD,
            Path("a.mp4"),
            SourceKind.FILE,
            Pacing.FAST,
            AtEnd.REOPEN,
            2.5,
            3.0,
            0.75,
            4.0,
            20.0,
            max_fps=12.5,
            inline_side=320,
            transport=TransportKind.INLINE,
        ),
    )


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("path", "", "must be the path of a clip"),
        ("path", None, "must be the path of a clip"),
        ("source", "rtps", "did you mean rtsp"),
        ("pacing", "realtim", "did you mean realtime"),
        ("at_end", "loop", "must be one of stop, reopen"),
        ("analyse_fps", "0", "must be a number from 0.1 to 60"),
        ("keep_alive_s", 61, "must be a number from 0.1 to 60"),
        ("sensitivity", "high", "must be a number from 0 to 1"),
        ("start_delay_s", -1, "must be a number from 0 to 600"),
        ("stall_s", 0, "must be a number from 1 to 3600"),
        ("analyse_fsp", 5, "did you mean analyse_fps"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_the_remedy(key: str, value: object, remedy: str) -> None:
    with pytest.raises(SettingsError, match=remedy) as caught:
        read_settings({"cameras": {"yard": {"path": "a.mp4", key: value}}})
    assert caught.value.key == f"cameras.yard.{key}"


def test_a_camera_id_that_is_no_id_is_named() -> None:
    with pytest.raises(SettingsError, match="letters, digits"):
        read_settings({"cameras": {"../yard": {"path": "a.mp4"}}})


@pytest.mark.parametrize(
    ("table", "key", "meant"),
    [
        ({"surce": "rtsp", "url": "rtsp://a/b"}, "surce", "source"),
        ({"source": "file", "pth": "x.mp4"}, "pth", "path"),
        ({"source": "rtsp", "ur": "rtsp://a/b"}, "ur", "url"),
    ],
)
def test_a_misspelt_key_is_named_before_the_value_that_is_missed(
    table: dict[str, object], key: str, meant: str
) -> None:
    with pytest.raises(SettingsError, match=f"is not a setting; did you mean {meant}") as caught:
        one(**table)
    assert caught.value.key == f"cameras.yard.{key}"


def wrong_keys(cameras: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_settings({"cameras": cameras})
    return [error.key.removeprefix("cameras.") for error in (caught.value, *caught.value.also)]


def test_every_wrong_key_of_every_camera_is_known() -> None:
    corners = [[0, 0], [1, 1]]
    cameras = {
        "gate": {"source": "picamera", "max_fps": "fast", "width": 10, "sensitivity": 2},
        "yard": {"path": "a.mp4", "masks": {"a": corners, "b": "all"}, "stall": 3},
        "y d": {"path": 5},
    }
    expected = ["gate.max_fps", "gate.sensitivity", "gate.width", "y d", "y d.path"]
    assert sorted(wrong_keys(cameras)) == [*expected, "yard.masks.a", "yard.masks.b", "yard.stall"]
    assert wrong_keys(cameras)[0] == "yard.stall"


def test_what_only_follows_from_a_wrong_value_is_not_said() -> None:
    assert wrong_keys({"gate": {"source": "usb", "url": "rtsp://a/b", "device": "1"}}) == ["gate.source"]
    assert wrong_keys({"gate": {"path": 5}, "yard": "a.mp4"}) == ["yard", "gate.path"]
    assert wrong_keys({"gate": {"source": "rtsp", "url": 5}}) == ["gate.url"]


def test_the_kinds_of_cameras_are_told_once() -> None:
    with pytest.raises(SettingsError, match=r"must be one of file, rtsp, v4l2, picamera$"):
        one(source="usb")


@pytest.mark.parametrize("table", [{}, {"url": ""}, {"url": None}])
def test_an_address_that_is_missing_is_said_to_be(table: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"url = (None|''): is missing: must be the address rtsp://host"):
        one(source="rtsp", **table)


def test_a_misplaced_value_that_is_no_secret_is_shown() -> None:
    with pytest.raises(SettingsError, match=r"path = '/clips/a\.mp4': is no setting of a camera whose source is v4l2"):
        one(source="v4l2", path="/clips/a.mp4")
    with pytest.raises(SettingsError, match=r"url = '\(not shown\)': is no setting"):
        one(source="v4l2", url="rtsp://admin:Hunter2@h/l")


def test_a_misspelt_key_of_the_document_is_named() -> None:
    with pytest.raises(SettingsError, match="did you mean cameras"):
        read_settings({"camera": {}})


def test_footage_is_collected_of_the_cameras_that_say_so_with_what_all_have_in_common() -> None:
    read = read_settings(
        {
            "cameras": {"yard": {"path": "/a.mp4", "collect_footage": "true"}, "gate": {"path": "/b.mp4"}},
            "footage": {"every_s": "0.5", "most_mb": 900.0, "days": 3},
        }
    )
    assert read.footage == FootageSettings(0.5, 900, 3)
    assert {each.camera: (each.collect_footage, each.footage) for each in read.cameras} == {
        "yard": (True, read.footage),
        "gate": (False, read.footage),
    }


@pytest.mark.parametrize(
    ("footage", "wrong"),
    [
        ({"every_s": 0.1}, "footage.every_s"),
        ({"every_s": "nan"}, "footage.every_s"),
        ({"most_mb": 0}, "footage.most_mb"),
        ({"days": 0}, "footage.days"),
        ({"collect": True}, "footage.collect"),
        ([], "footage"),
    ],
)
def test_wrong_words_about_footage_are_named(footage: object, wrong: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{wrong}"):
        read_settings({"footage": footage})


def test_nothing_is_recorded_all_the_time_unless_it_is_said_and_then_of_every_camera() -> None:
    cameras = {"yard": {"path": "/a.mp4"}, "gate": {"path": "/b.mp4"}}
    assert not read_settings({"cameras": cameras}).recording.keep
    read = read_settings({"cameras": cameras, "recording": {"keep": "true", "most_mb": 900.0, "hours": "48"}})
    assert read.recording == RecordingSettings(keep=True, most_mb=900, hours=48)
    assert [each.recording for each in read.cameras] == [read.recording] * 2


@pytest.mark.parametrize(
    ("recording", "wrong"),
    [
        ({"keep": "all"}, "recording.keep"),
        ({"most_mb": 49}, "recording.most_mb"),
        ({"hours": 0}, "recording.hours"),
        ({"hours": 8761}, "recording.hours"),
        ({"days": 2}, "recording.days"),
        ([], "recording"),
    ],
)
def test_wrong_words_about_what_is_recorded_all_the_time_are_named(recording: object, wrong: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{wrong}"):
        read_settings({"recording": recording})
