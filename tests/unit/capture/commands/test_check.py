import io
import json
import sys
from pathlib import Path

import pytest

from smartcam.capture.commands.check import check, one_frame_each
from smartcam.capture.main import camera_service, main
from smartcam.capture.settings import read_settings
from smartcam.contract.errors import BusUnavailable
from smartcam.edge.bus.port import Bus
from smartcam.edge.document import DocumentError, document_from, read_document
from tests.clips import moving_square, write_clip
from tests.fakes.bus import FakeNucleus

SECRET = "hunter2-Secret"  # noqa: S105  made up


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "yard.mp4", moving_square(frames=10))


@pytest.fixture
def shm(tmp_path: Path) -> Path:
    folder = tmp_path / "shm"
    folder.mkdir()
    return folder


def checked(document: object, ring_folder: Path) -> tuple[int, str]:
    out = io.StringIO()
    assert isinstance(document, dict)
    return check(document, ring_folder, out), out.getvalue()


def test_a_good_configuration_says_what_it_would_do(clip: Path, shm: Path) -> None:
    code, said = checked({"cameras": {"yard": {"path": str(clip), "max_fps": 10}}}, shm)
    assert code == 0
    assert said == (
        f"camera yard: file {clip}, realtime pace, at its end stop, at most 10 pictures a second,"
        f" motion announced 5 times a second, a frame every 1 s, shared memory in {shm}, else inline up to 640 pixels\n"
    )


def test_a_camera_that_is_mounted_turned_is_said_to_be(clip: Path, shm: Path) -> None:
    code, said = checked({"cameras": {"yard": {"path": str(clip), "rotate": 90, "mirror": True}}}, shm)
    assert code == 0
    assert ", turned by 90 degrees, mirrored, " in said
    assert "turned" not in checked({"cameras": {"yard": {"path": str(clip)}}}, shm)[1]


def test_that_a_day_s_highlights_are_made_is_said_and_also_why_none_are(clip: Path, shm: Path) -> None:
    def said(**clips: object) -> str:
        return checked({"cameras": {"yard": {"path": str(clip)}}, "clips": clips}, shm)[1]

    made = said(keep=True, highlights=True, timezone="Europe/Berlin")
    assert ", highlights of each day by the clock of Europe/Berlin" in made
    assert ", no highlights of the day, which are made of clips, and none are kept: set clips.keep" in said(
        highlights=True
    )
    assert "highlights of" not in said(keep=True)
    assert "highlights of" not in said()


def test_what_is_blackened_and_where_motion_starts_nothing_is_said_by_name(clip: Path, shm: Path) -> None:
    corner = [[0, 0], [0.2, 0], [0.2, 0.2]]
    yard = {"path": str(clip), "masks": {"neighbour": corner, "street": corner}, "ignored": {"tree": corner}}
    said = checked({"cameras": {"yard": yard}}, shm)[1]
    assert ", blackened: neighbour, street, motion ignored in tree, " in said
    assert "blackened:" not in checked({"cameras": {"yard": {"path": str(clip)}}}, shm)[1]


def test_that_footage_is_collected_is_said(clip: Path, shm: Path) -> None:
    yard = {"path": str(clip), "collect_footage": True}
    document: dict[str, object] = {"cameras": {"yard": yard}, "footage": {"every_s": 5}}
    assert ", collects a picture every 5 s for training" in checked(document, shm)[1]
    assert "training" not in checked({"cameras": {"yard": {"path": str(clip)}}}, shm)[1]


def test_clips_and_what_they_are_made_of_are_said(clip: Path, shm: Path) -> None:
    document: dict[str, object] = {"cameras": {"yard": {"path": str(clip)}}, "clips": {"keep": True, "before_s": 10}}
    assert checked(document, shm)[1].endswith(
        ", clips from 10 s before an event until 5 s after it, of what it sends\n"
    )
    masked = {"path": str(clip), "masks": {"door": [[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]]}}
    document["cameras"] = {"yard": masked}
    assert ", encoded from what inference sees\n" in checked(document, shm)[1]
    assert ", clips from" not in checked({"cameras": {"yard": {"path": str(clip)}}}, shm)[1]


def test_that_all_is_recorded_is_said(clip: Path, shm: Path) -> None:
    document: dict[str, object] = {"cameras": {"yard": {"path": str(clip)}}, "recording": {"keep": True, "hours": 48}}
    assert checked(document, shm)[1].endswith(", recorded all the time, of what it sends, for 48 h\n")
    assert ", recorded all" not in checked({"cameras": {"yard": {"path": str(clip)}}}, shm)[1]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"before_s": 61}, "clips.before_s"),
        ({"after_s": -1}, "clips.after_s"),
        ({"longest_s": 5}, "clips.longest_s"),
        ({"most_mb": 10}, "clips.most_mb"),
        ({"days": 0}, "clips.days"),
        ({"keep": "perhaps"}, "clips.keep"),
        ({"befor_s": 5}, "clips.befor_s"),
    ],
)
def test_a_wrong_setting_of_clips_is_named(clip: Path, shm: Path, table: dict[str, object], key: str) -> None:
    code, said = checked({"cameras": {"yard": {"path": str(clip)}}, "clips": table}, shm)
    assert code == 1
    assert said.startswith(f"wrong: {key} = ")


def test_a_wrong_setting_is_named_with_its_remedy(shm: Path) -> None:
    code, said = checked({"cameras": {"yard": {"path": "a", "analyse_fsp": 5}}}, shm)
    assert (code, said) == (1, "wrong: cameras.yard.analyse_fsp = 5: is not a setting; did you mean analyse_fps?\n")


def test_each_wrong_setting_is_told(shm: Path) -> None:
    camera = {"source": "picamera", "max_fps": "fast", "width": 10, "sensitivity": 2}
    code, said = checked({"cameras": {"gate": camera, "yard": {"pth": "a.mp4"}}}, shm)
    assert code == 1
    told = [line.split(" = ")[0].removeprefix("wrong: cameras.") for line in said.splitlines()]
    assert told == ["yard.pth", "gate.sensitivity", "gate.width", "gate.max_fps", "yard.path"]


def test_no_camera_is_wrong(shm: Path) -> None:
    assert checked({}, shm)[0] == 1


def test_everything_that_is_missing_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    secret = tmp_path / "credentials"
    secret.write_text(f"user=a\npassword={SECRET}\n")
    secret.chmod(0o644)
    cameras = {
        "a": {"path": str(tmp_path / "missing.mp4")},
        "b": {"source": "rtsp", "url": "rtsp://192.0.2.7/live", "credentials": str(secret), "decoder": "vaapi"},
        "c": {"source": "v4l2", "device": "/dev/video99"},
        "d": {"source": "picamera", "transport": "inline"},
    }
    code, said = checked({"cameras": cameras}, tmp_path / "nowhere")
    assert code == 1
    assert "missing.mp4: No such file" in said
    assert f"user and password from {secret}" in said
    assert "has mode 0644; make it 0600" in said
    assert "/dev/video99: no such device" in said
    assert "picamera2 cannot be imported" in said
    assert said.count("not a writable folder for shared memory") == 3
    assert SECRET not in said


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"url": "rtsp://192.0.2.7/l"}, "rtsp://192.0.2.7/l, over TCP, not encrypted, without a password"),
        ({"url": "rtsp://192.0.2.7/l", "rtsp_transport": "udp"}, "over UDP, not encrypted"),
        (
            {"url": "rtsps://192.0.2.7/l"},
            "over TLS, its certificate checked against /etc/ssl/certs/ca-certificates.crt",
        ),
        ({"url": "rtsps://192.0.2.7/l", "ca_file": "CA"}, "over TLS, its certificate checked against CA"),
        ({"url": "rtsps://192.0.2.7/l", "verify": "off"}, "over TLS, its certificate unchecked"),
    ],
)
def test_how_a_camera_is_called_is_said(table: dict[str, object], told: str, tmp_path: Path, shm: Path) -> None:
    made = tmp_path / "ca.pem"
    made.write_text(Path("/etc/ssl/certs/ca-certificates.crt").read_text())
    table = {key: str(made) if value == "CA" else value for key, value in table.items()}
    code, said = checked({"cameras": {"gate": {"source": "rtsp", **table}}}, shm)
    assert code == 0
    assert told.replace(" CA", f" {made}") in said


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"url": "rtsp://192.0.2.7/{user}:{password}"}, "`credentials` names no file that has them"),
        ({"url": f"rtsp://192.0.2.7/l?pw={SECRET}"}, "must hold no user and password: name a file in `credentials`"),
        ({"url": f"rtsp://192.0.2.7/admin:{SECRET}/l"}, "must hold no user and password: name a file in `credentials`"),
        ({"url": "http://192.0.2.7/video.mjpg"}, "MJPEG stream, which is not read"),
        ({"url": "rtmp://192.0.2.7/live"}, "is RTMP"),
        ({"url": "rtsps://192.0.2.7/l", "ca_file": "/nowhere.pem"}, "ca_file /nowhere.pem: No such file"),
        ({"url": "rtsps://192.0.2.7/l", "ca_file": "/etc/passwd"}, "ca_file /etc/passwd: holds no certificate in PEM"),
    ],
)
def test_an_address_that_would_not_do_is_wrong_without_a_camera(table: dict[str, object], told: str, shm: Path) -> None:
    code, said = checked({"cameras": {"gate": {"source": "rtsp", **table}}}, shm)
    assert code == 1
    assert told in said
    assert SECRET not in said


def test_a_document_comes_from_a_file_or_from_the_nucleus(tmp_path: Path) -> None:
    nucleus = FakeNucleus()
    nucleus.configure("smartcam.Capture", {"cameras": {}})
    assert document_from(None, lambda: nucleus.bus("smartcam.Capture")) == {"cameras": {}}
    file = tmp_path / "document.json"
    file.write_text('{"cameras": {"yard": {"path": "a"}}}')

    def never() -> Bus:
        raise AssertionError

    assert document_from(file, never) == {"cameras": {"yard": {"path": "a"}}}


@pytest.mark.parametrize("content", [None, "{", "[]", "[" * 100_000])
def test_a_document_that_cannot_be_had_is_said(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "document.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(DocumentError, match=r"document\.json"):
        document_from(file, FakeNucleus().bus("smartcam.Capture").__class__)


def test_a_deployments_file_is_told_what_belongs_here_and_what_checks_it(tmp_path: Path) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text("smartcam.Capture:\n  cameras:\n    yard: {path: a.mp4}\n")
    with pytest.raises(DocumentError) as caught:
        read_document(file)
    assert f"{file}: must hold one component's configuration as a JSON object" in str(caught.value)
    assert "`smartcam deploy --plan --config cameras.yaml` checks" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"cameras": {}}'.encode("utf-16"), ": is UTF-16; save the file as UTF-8"),
        ('{"cameras":\n {"entrée": {}}}'.encode("latin-1"), ":2: holds the byte 0xE9"),
        (b'{"cameras": {"a": {"max_fps": NaN}}}', ": is not JSON (NaN is not JSON)"),
        (b'{"cameras": {"a": {"path": "a"},\n}}', ":2: is not JSON ("),
        (b" " * 10_000_001, ": has more than 10000000 bytes"),
        (b'{"cameras": {}}\0', ":1: holds a NUL byte"),
    ],
)
def test_a_document_that_is_no_json_in_utf_8_is_named_with_the_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "document.json"
    file.write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        read_document(file)
    assert str(caught.value).startswith(f"{file}{said}")


def test_a_document_with_a_mark_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "document.json"
    file.write_bytes('{"cameras": {}}'.encode("utf-8-sig"))
    assert read_document(file) == {"cameras": {}}


def test_a_camera_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "document.json"
    file.write_text('{"cameras": {"yard": {"path": "a.mp4"}, "gate": {}, "yard": {"path": "b.mp4"}}}')
    with pytest.raises(DocumentError, match=r"document\.json:1: the key 'yard' is given twice, first in line 1"):
        read_document(file)


def test_without_a_nucleus_the_other_way_is_named() -> None:
    def away() -> Bus:
        raise BusUnavailable("no nucleus")

    with pytest.raises(DocumentError, match="no nucleus; outside a nucleus, name a document with --configuration"):
        document_from(None, away)


@pytest.mark.parametrize("transport", ["shared", "inline"])
def test_one_frame_of_each_camera_goes_out_over_the_bus(clip: Path, shm: Path, transport: str) -> None:
    cameras = read_settings({"cameras": {n: {"path": str(clip), "transport": transport} for n in ("a", "b")}}).cameras
    nucleus, out = FakeNucleus(), io.StringIO()
    bus = nucleus.bus("smartcam.Capture")
    code = one_frame_each(cameras, bus, lambda camera, once: camera_service(camera, once, shm, None), out)
    assert code == 0
    how = "320x240 in shared memory" if transport == "shared" else "inline in "
    first, second = out.getvalue().splitlines()
    assert first.startswith(f"camera a: a frame went out, {how}")
    assert second.startswith(f"camera b: a frame went out, {how}")
    assert len(nucleus.published_local) >= 4
    assert list(shm.iterdir()) == []


def test_a_camera_that_gives_none_is_said_and_the_others_go_on(tmp_path: Path, clip: Path, shm: Path) -> None:
    document = {"cameras": {"bad": {"path": str(tmp_path / "missing.mp4")}, "good": {"path": str(clip)}}}
    out = io.StringIO()
    cameras = read_settings(document).cameras
    code = one_frame_each(cameras, None, lambda camera, once: camera_service(camera, once, shm, None), out)
    bad, good = out.getvalue().splitlines()
    assert code == 1
    assert bad == f"camera bad: {tmp_path}/missing.mp4: No such file or directory"
    assert good == "camera good: a frame went out, 320x240 in shared memory"


def test_the_commands_need_no_nucleus_with_a_document(
    tmp_path: Path, clip: Path, shm: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMARTCAM_SHM", str(shm))
    document = tmp_path / "document.json"
    document.write_text(json.dumps({"cameras": {"yard": {"path": str(clip)}}}))
    assert main(["--check", "--configuration", str(document)]) == 0
    assert main(["--once", "--configuration", str(document), "--log-level", "ERROR"]) == 0
    said = capsys.readouterr().out
    assert "camera yard: file" in said
    assert "camera yard: a frame went out, 320x240 in shared memory" in said
    document.write_text("{")
    assert main(["--check", "--configuration", str(document)]) == 2
    assert "document.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--configuration", "d.json"], "--configuration goes with --check, or with --once"),
        (["--once", "a.mp4", "--configuration", "d.json"], "--once without a clip"),
        (["--once", "a.mp4", "--frames", "0"], "--frames 0: must be at least 1"),
    ],
)
def test_options_that_do_not_go_together_are_said(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_help_names_every_way_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert all(option in said for option in ("--check", "--once", "--configuration", "--log-level"))
