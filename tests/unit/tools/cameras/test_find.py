"""`smartcam cameras find` from end to end, against a camera on the loopback."""

import argparse
import json
import re
from pathlib import Path

import pytest

from front.main import main as front
from smartcam.capture.settings import read_settings
from tests.fakes.onvif_camera import HOST, Offer, OnvifCamera, switched_on
from tools.cameras.discovery import Answerer, Heard
from tools.cameras.find import look_around, main, parser, run
from tools.cameras.findings import Findings, FoundCamera
from tools.release.aws import ReleaseError
from tools.release.configuration import read_merges

WEBCAM = FoundCamera("HD Webcam", {"source": "v4l2", "device": "/dev/video0", "width": 1280, "height": 720})
CHANNELS = (
    Offer("m1", f"rtsp://{HOST}:554/1/main", (1920, 1080), lens="1"),
    Offer("m2", f"rtsp://{HOST}:554/2/main", (3840, 2160), lens="2"),
    Offer("s1", f"rtsp://{HOST}:554/1/sub", (640, 360), lens="1"),
)


def login_file(folder: Path, user: str = "viewer", password: str = "hunter2", mode: int = 0o600) -> Path:  # noqa: S107
    file = folder / "door.credentials"
    file.write_text(f"user={user}\npassword={password}\n")
    file.chmod(mode)
    return file


def find(camera: OnvifCamera | None, *words: str, here: Findings | None = None) -> tuple[int, list[str]]:
    told: list[str] = []
    ask = ("--local",) if camera is None else ("--wait", "0.4", "--ask", f"{HOST}:{camera.udp_port}")
    options = parser().parse_args([*ask, *words])
    return run(options, (lambda: here or Findings(),), told.append), told


def deployed(text: str, folder: Path) -> dict[str, object]:
    """What `deploy` reads of the printed text: the cameras' settings, checked as the component does.

    Text that is all remarks is refused by `deploy`, which would otherwise take every camera away.
    """
    file = folder / "cameras.yaml"
    file.write_text(text)
    if not [line for line in text.splitlines() if line.split("#")[0].strip()]:
        with pytest.raises(ReleaseError, match="holds nothing"):
            read_merges(file, ["smartcam.Capture"])
        return {}
    merges = read_merges(file, ["smartcam.Capture"])
    read_settings(merges.get("smartcam.Capture", {}))
    cameras = merges.get("smartcam.Capture", {}).get("cameras", {})
    assert isinstance(cameras, dict)
    return cameras


def test_the_verb_prints_yaml_that_deploy_takes_and_tells_the_rest_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.cameras.find.v4l2_cameras", Findings)
    monkeypatch.setattr("tools.cameras.find.libcamera_cameras", Findings)
    with switched_on(OnvifCamera()) as camera:
        assert front(["cameras", "find", "--wait", "0.4", "--ask", f"{HOST}:{camera.udp_port}"]) == 0
    printed = capsys.readouterr()
    assert deployed(printed.out, tmp_path) == {"front-door": {"source": "rtsp", "url": "rtsp://127.0.0.1:554/stream1"}}
    assert "# if it wants a login, add credentials: /etc/smartcam/127.0.0.1.credentials" in printed.out
    assert printed.err.splitlines() == [
        "looking at this machine ...",
        "asking 127.0.0.1 for cameras, for 0.4 s ...",
        "127.0.0.1 answers: Front Door",
        "asking them for their streams ...",
        "no USB or Raspberry Pi camera here: run this on the machine that the camera is plugged into",
        "found 1 camera",
    ]


def test_a_camera_that_wants_a_login_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with switched_on(OnvifCamera(login=("viewer", "hunter2"))) as camera:
        code, told = find(camera)
    printed = capsys.readouterr().out
    assert code == 0
    assert deployed(printed, tmp_path) == {}
    assert "# 127.0.0.1: it wants a login: run again with --login 127.0.0.1=FILE" in printed
    assert told[-1] == "found 0 cameras, and 1 that cannot be used yet"


def test_with_a_login_its_file_is_in_the_settings_and_the_password_is_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = login_file(tmp_path)
    with switched_on(OnvifCamera(login=("viewer", "hunter2"))) as camera:
        code, told = find(camera, "--login", f"{HOST}={file}")
    printed = capsys.readouterr().out
    assert (code, deployed(printed, tmp_path)) == (
        0,
        {"front-door": {"source": "rtsp", "url": "rtsp://127.0.0.1:554/stream1", "credentials": str(file)}},
    )
    assert "hunter2" not in printed + "".join(told)


@pytest.mark.parametrize(("challenge", "found"), [("Digest", True), ("Basic", False)])
def test_a_camera_that_knows_only_http_logins_gets_a_digest_and_never_the_password(
    challenge: str, found: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = login_file(tmp_path)
    with switched_on(OnvifCamera(challenge=challenge, login=("viewer", "hunter2"))) as camera:
        find(camera, "--login", f"{HOST}={file}")
        assert not any("Basic" in (each or "") for each in camera.authorizations)
    printed = capsys.readouterr().out
    assert bool(deployed(printed, tmp_path)) is found
    assert ("it refuses this user or password" in printed) is not found


def test_a_login_goes_to_no_other_camera(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = login_file(tmp_path)
    with switched_on(OnvifCamera(login=("viewer", "hunter2"))) as camera:
        _, told = find(camera, "--login", f"192.168.1.99={file}")
        assert camera.logins == 0
    assert "it wants a login" in capsys.readouterr().out
    assert "192.168.1.99: did not answer, so its login was not used; try --ask 192.168.1.99" in told


def test_a_wrong_login_is_said_without_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = login_file(tmp_path, password="hunter3")  # noqa: S106 - of the test
    with switched_on(OnvifCamera(login=("viewer", "hunter2"))) as camera:
        find(camera, "--login", f"{HOST}={file}")
    printed = capsys.readouterr().out
    assert "# 127.0.0.1: it refuses this user or password\n" in printed
    assert "hunter" not in printed


@pytest.mark.parametrize("fault", ["missing", "readable", "empty"])
def test_a_login_that_cannot_be_read_ends_before_anybody_is_asked(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = login_file(
        tmp_path, password="" if fault == "empty" else "hunter2", mode=0o644 if fault == "readable" else 0o600
    )
    if fault == "missing":
        file.unlink()
    with switched_on(OnvifCamera()) as camera:
        code, told = find(camera, "--login", f"{HOST}={file}")
        assert (code, told, camera.asked) == (2, [], [])
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"smartcam cameras find: --login: credentials {file}: ")


def test_a_recorder_is_a_camera_for_each_channel_with_its_other_streams(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with switched_on(OnvifCamera(CHANNELS, name="NVR")) as camera:
        find(camera)
    printed = capsys.readouterr().out
    assert deployed(printed, tmp_path) == {
        "nvr": {"source": "rtsp", "url": "rtsp://127.0.0.1:554/1/main"},
        "nvr-2": {"source": "rtsp", "url": "rtsp://127.0.0.1:554/2/main"},
    }
    assert "# another stream: rtsp://127.0.0.1:554/1/sub (640x360 H264)" in printed


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("rtsp://admin:hunter2@127.0.0.1:554/a", "rtsp://127.0.0.1:554/a"),
        (
            "rtsp://127.0.0.1/user=admin_password=hunter2_channel=1.sdp",
            "rtsp://127.0.0.1/user={user}_password={password}_channel=1.sdp",
        ),
    ],
)
def test_a_password_in_a_told_address_gives_way_to_a_credentials_file(
    url: str, kept: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with switched_on(OnvifCamera((Offer("a", url),))) as camera:
        _, told = find(camera)
    printed = capsys.readouterr().out
    assert deployed(printed, tmp_path) == {
        "front-door": {"source": "rtsp", "url": kept, "credentials": "/etc/smartcam/127.0.0.1.credentials"}
    }
    assert "hunter2" not in printed + "".join(told)


@pytest.mark.parametrize(
    ("offers", "reason"),
    [
        ((Offer("a", "rtsp://8.8.8.8/1"),), "tells an address at 8.8.8.8, which is not its own"),
        ((Offer("a", "http://127.0.0.1/mjpeg"),), "its stream is not RTSP but http"),
        ((Offer("a", "rtsp://127.0.0.1/a?token=hunter2"),), "its stream cannot be read: the address must hold no user"),
        ((Offer("a", "rtsp://127.0.0.1/a?udp"),), "must not end in udp"),
        ((), "it tells no streams"),
    ],
)
def test_a_camera_without_a_stream_for_capture_is_named_with_the_reason(
    offers: tuple[Offer, ...], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with switched_on(OnvifCamera(offers)) as camera:
        find(camera)
    printed = capsys.readouterr().out
    assert deployed(printed, tmp_path) == {}
    assert reason in printed
    assert "hunter2" not in printed


def test_a_name_cannot_write_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "x%0A    evil:%0A      source: file%0A      path: /etc/passwd%1B[2J"
    with switched_on(OnvifCamera(name=evil.replace(" ", "%20"))) as camera:
        find(camera)
    printed = capsys.readouterr().out
    [identity] = deployed(printed, tmp_path)
    assert re.fullmatch(r"x-evil-source-file-path-etc-passwd-2j", identity)
    assert "\x1b" not in printed


def test_nothing_found_says_where_to_look_and_ends_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    with switched_on(OnvifCamera(discovery=lambda _, __: [])) as camera:
        code, told = find(camera)
    assert (code, capsys.readouterr().out) == (1, "")
    assert told[2].startswith("no USB or Raspberry Pi camera here")
    assert told[3].startswith("no network camera answered: switch ONVIF on")
    assert told[4] == "found 0 cameras"


def test_what_keeps_a_camera_of_this_machine_away_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    here = Findings(remarks=("/dev/video0: no permission: add yourself to the group video",))
    code, told = find(None, here=here)
    assert (code, capsys.readouterr().out) == (1, "")
    assert told[1:] == ["/dev/video0: no permission: add yourself to the group video", "found 0 cameras"]


def test_locally_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("socket.socket", None)
    code, _ = find(None, here=Findings((WEBCAM,)))
    assert (code, deployed(capsys.readouterr().out, tmp_path)) == (0, {"hd-webcam": dict(WEBCAM.settings)})


def test_cameras_of_one_name_have_the_same_ids_however_they_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = ["192.168.1.100", "192.168.1.20", "10.0.0.9"]
    there = [Answerer(host, "IPCamera", None, "it tells no address of its service") for host in hosts]
    printed = []
    for answerers in (there, there[::-1]):
        monkeypatch.setattr("tools.cameras.find.ask", lambda *_, answerers=answerers: Heard(tuple(answerers)))
        run(parser().parse_args([]), (), lambda _: None)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert re.findall(r"# (10\S+|192\S+):", printed[0]) == ["10.0.0.9", "192.168.1.20", "192.168.1.100"]


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_a_name_in_any_letters_can_be_printed_and_read_again_everywhere(
    encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "out.yaml").open("w", encoding=encoding) as out:
        monkeypatch.setattr("sys.stdout", out)
        find(None, here=Findings((FoundCamera("大门 é", WEBCAM.settings),)))
    written = (tmp_path / "out.yaml").read_text(encoding="utf-8")
    assert list(deployed(written, tmp_path)) == ["camera"]
    assert ("大门 é" in written) is (encoding == "utf-8")


def test_json_has_the_cameras_the_remarks_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    find(None, "--json", here=Findings((WEBCAM,), ("a remark",)))
    said = json.loads(capsys.readouterr().out)
    assert said["remarks"] == ["a remark"]
    assert said["cameras"] == [
        {"id": "hd-webcam", "name": "HD Webcam", "settings": dict(WEBCAM.settings), "remarks": []}
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--wait", "0"], "give 0.1 to 60 seconds"),
        (["--wait", "nan"], "give 0.1 to 60 seconds"),
        (["--wait", "soon"], "give 0.1 to 60 seconds"),
        (["--ask", "camera.local"], "give an IPv4 address such as 192.168.1.20"),
        (["--ask", "192.168.1.20:0"], "give a port from 1 to 65535"),
        (["--ask", "192.168.1.20:"], "give a port from 1 to 65535"),
        (["--ask", "::1"], "give a port"),
        (["--login", "192.168.1.20"], "give ADDRESS=FILE"),
        (["--login", "x=/etc/a"], "give an IPv4 address"),
        (["--login", "192.168.1.20="], "give ADDRESS=FILE"),
    ],
)
def test_a_wrong_argument_is_one_line(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("words", [["--ask", "192.168.1.20"], ["--login", "192.168.1.20=/etc/a"]])
def test_a_search_that_sends_nothing_takes_nobody_to_ask(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--local", *words])
    assert ended.value.code == 2
    assert "--local sends nothing: leave --ask and --login out" in capsys.readouterr().err


def test_help_says_what_to_do_with_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    for words in ("usage: smartcam cameras find ", "smartcam deploy --config cameras.yaml", "--login ADDRESS=FILE"):
        assert words in said


def test_without_a_word_the_verbs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert front(["cameras"]) == 2
    assert "find  look for cameras" in capsys.readouterr().out


def test_the_arguments_have_defaults_that_need_no_thought() -> None:
    assert parser().parse_args([]) == argparse.Namespace(wait=5.0, ask=[], login=[], local=False, json=False)


def test_the_console_gets_the_same_cameras_and_what_is_said_of_them() -> None:
    with switched_on(OnvifCamera(offers=CHANNELS)) as camera:
        found = FoundCamera("Webcam", {"source": "v4l2", "device": "/dev/video0"})
        here = Findings((found,), ("a remark\n",))
        yaml, remarks = look_around((lambda: here,), ((HOST, camera.udp_port),), 0.4)
    assert "smartcam.Capture" in yaml
    assert "webcam:" in yaml
    assert f"rtsp://{HOST}:554/1/main" in yaml
    assert remarks[0] == "a remark"
