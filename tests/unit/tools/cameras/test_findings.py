"""What is found becomes YAML that the settings' own reader takes, whatever a camera calls itself."""

import json
import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from smartcam.capture.settings import read_settings
from smartcam.contract.ids import camera_id
from tools.cameras.findings import Findings, FoundCamera, as_json, as_yaml, fitting, identified, plain
from tools.release.configuration import read_merges
from tools.strict_yaml import yaml_of

RTSP = {"source": "rtsp", "url": "rtsp://192.168.1.20:554/stream1", "credentials": "/etc/smartcam/gate.credentials"}
V4L2 = {"source": "v4l2", "device": "/dev/video0", "width": 1280, "height": 720}


def test_the_yaml_reads_as_the_documentation_shows_it() -> None:
    found = identified([FoundCamera("Front Door", RTSP, ("at 192.168.1.20",)), FoundCamera("Yard", {}, ("locked",))])
    assert as_yaml(found) == (
        "smartcam.Capture:\n"
        "  cameras:\n"
        "    # front-door: Front Door\n"
        "    # at 192.168.1.20\n"
        "    front-door:\n"
        "      source: rtsp\n"
        "      url: rtsp://192.168.1.20:554/stream1\n"
        "      credentials: /etc/smartcam/gate.credentials\n"
        "    # yard: Yard\n"
        "    # locked\n"
    )


def test_cameras_that_cannot_be_used_yet_are_comments_alone_and_nothing_is_nothing() -> None:
    text = as_yaml(identified([FoundCamera("Yard", {}, ("locked",))]))
    assert text == "    # yard: Yard\n    # locked\n"
    assert as_yaml({}) == ""


@given(
    st.lists(
        st.tuples(st.text(max_size=100), st.text(max_size=300), st.sampled_from([RTSP, V4L2])), min_size=1, max_size=8
    )
)
def test_whatever_cameras_call_themselves_deploy_reads_their_settings_unchanged(
    cameras: list[tuple[str, str, dict[str, object]]],
) -> None:
    found = identified([FoundCamera(name, settings, (remark,)) for name, remark, settings in cameras])
    assert [camera.settings for camera in found.values()] == [settings for _, _, settings in cameras]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cameras.yaml"
        file.write_text(as_yaml(found), encoding="utf-8")
        merges = read_merges(file, ["smartcam.Capture"])
    assert merges == {"smartcam.Capture": {"cameras": {k: v.settings for k, v in found.items()}}}
    assert [str(one.camera) for one in read_settings(merges["smartcam.Capture"]).cameras] == list(found)


@given(st.from_regex(r"[0-9eExobn.:_-]{1,8}", fullmatch=True))
@example("6e20")
@example("1E-3")
@example("no")
@example("12:30")
def test_a_name_like_a_number_or_a_word_of_yaml_is_read_back_as_the_same_id(name: str) -> None:
    found = identified([FoundCamera(name, V4L2)])
    assert yaml_of(as_yaml(found)) == {"smartcam.Capture": {"cameras": {str(*found): V4L2}}}


@given(st.lists(st.text(max_size=100), max_size=12))
def test_every_camera_has_an_id_of_its_own_that_the_contract_takes(names: list[str]) -> None:
    found = identified([FoundCamera(name) for name in names])
    assert len(found) == len(names)
    assert [camera_id(identity) for identity in found] == list(found)


def test_ids_are_made_of_names_and_counted_where_they_are_the_same() -> None:
    names = ["Front Door", "front_door", "Tür №1", "", "17", "x" * 99, "a-2", "a", "a"]
    assert list(identified([FoundCamera(name) for name in names])) == [
        "front-door",
        "front-door-2",
        "t-r-1",
        "camera",
        "17",
        "x" * 40,
        "a-2",
        "a",
        "a-3",
    ]


@given(st.text())
def test_a_strangers_text_is_one_line_that_moves_no_cursor(text: str) -> None:
    line = plain(text)
    assert line.isprintable()
    assert len(line) <= 203
    assert line == line.strip()


def test_the_json_has_what_the_yaml_has_and_the_remarks() -> None:
    found = identified([FoundCamera("Front\x1b Door", RTSP, ("at 192.168.1.20",))])
    assert json.loads(as_json(found, ["nobody\nelse"])) == {
        "cameras": [{"id": "front-door", "name": "Front Door", "settings": RTSP, "remarks": ["at 192.168.1.20"]}],
        "remarks": ["nobody else"],
    }


def test_findings_add_up() -> None:
    one, two = Findings((FoundCamera("a"),), ("r",)), Findings((FoundCamera("b"),), ("s",))
    assert one + two == Findings((FoundCamera("a"), FoundCamera("b")), ("r", "s"))


@given(st.lists(st.tuples(st.integers(1, 9000), st.integers(1, 9000)), min_size=1))
def test_the_size_is_one_of_those_and_the_largest_that_is_usual(sizes: list[tuple[int, int]]) -> None:
    chosen = fitting(sizes)
    inside = [size for size in sizes if size[0] <= 1280 and size[1] <= 720]
    assert chosen in sizes
    assert chosen in inside or not inside
    assert all(size[0] * size[1] <= chosen[0] * chosen[1] for size in inside)
