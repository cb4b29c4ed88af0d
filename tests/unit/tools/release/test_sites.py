"""One file per thing over a common one."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.release.aws import ReleaseError
from tools.release.configuration import read_merges
from tools.release.sites import Sites, merged, read_sites

COMPONENTS = ("smartcam.Capture", "smartcam.Inference")
COMMON = """
smartcam.Capture:
  cameras:
    gate: {source: rtsp, url: "rtsp://192.168.1.20/stream", analyse_fps: 4}
smartcam.Inference: {health_every_s: 600}
"""


def sites(folder: Path, files: dict[str, str], *things: str) -> Sites:
    for name, text in files.items():
        (folder / name).write_text(text)
    return read_sites(folder, things, COMPONENTS)


def refusal(folder: Path, files: dict[str, str], *things: str) -> str:
    with pytest.raises(ReleaseError) as caught:
        sites(folder, files, *things)
    return str(caught.value)


def test_a_thing_gets_its_own_keys_over_the_common_ones(tmp_path: Path) -> None:
    own = """
smartcam.Capture:
  cameras:
    gate: {analyse_fps: 2}
    yard: {source: picamera}
smartcam.Inference: {health_every_s: null}
"""
    found = sites(tmp_path, {"common.yaml": COMMON, "shop-1.yaml": own, "shop-2.yaml": ""}, "shop-1", "shop-2")
    gate = {"source": "rtsp", "url": "rtsp://192.168.1.20/stream", "analyse_fps": 2}
    assert found["shop-1"] == {
        "smartcam.Capture": {"cameras": {"gate": gate, "yard": {"source": "picamera"}}},
        "smartcam.Inference": {},
    }
    assert found["shop-2"] == {
        "smartcam.Capture": {"cameras": {"gate": {**gate, "analyse_fps": 4}}},
        "smartcam.Inference": {"health_every_s": 600},
    }


def test_there_need_not_be_a_common_file(tmp_path: Path) -> None:
    assert sites(tmp_path, {"one.yaml": "smartcam.Inference: {health_every_s: 60}"}, "one") == {
        "one": {"smartcam.Inference": {"health_every_s": 60}}
    }


def test_every_unknown_thing_and_every_missing_file_is_named_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, {"shop-1.yaml": "", "shp-2.yaml": "", "attic.yaml": ""}, "shop-1", "shop-2", "shop-3")
    assert said.splitlines() == [
        f"{tmp_path}: nothing was sent",
        f"  {tmp_path}/attic.yaml: there is no thing 'attic' in the groups",
        f"  {tmp_path}/shp-2.yaml: there is no thing 'shp-2' in the groups; did you mean 'shop-2'?",
        f"  {tmp_path}/shop-2.yaml is missing: shop-2 is in the groups; an empty file gives it what common.yaml says",
        f"  {tmp_path}/shop-3.yaml is missing: shop-3 is in the groups; an empty file gives it what common.yaml says",
    ]


def test_each_things_configuration_is_checked_as_its_components_will_check_it(tmp_path: Path) -> None:
    own = "smartcam.Capture: {cameras: {gate: {analyse_fps: 1000}}}"
    said = refusal(tmp_path, {"common.yaml": COMMON, "one.yaml": own, "two.yaml": "smartcam.Captre: {}"}, "one", "two")
    assert f"{tmp_path}/one.yaml over common.yaml: smartcam.Capture: cameras.gate.analyse_fps" in said
    assert f"{tmp_path}/two.yaml over common.yaml: there is no component 'smartcam.Captre'" in said


def camera(url: str, name: str = "gate") -> str:
    return f'smartcam.Capture: {{cameras: {{{name}: {{source: rtsp, url: "{url}"}}}}}}'


@pytest.mark.parametrize("host", ["192.168.1.20", "10.0.0.9", "fd00::1", "nvr", "nvr.local", "camera.lan"])
def test_every_shop_may_have_a_camera_at_the_same_local_address(tmp_path: Path, host: str) -> None:
    address = f"[{host}]" if ":" in host else host
    files = {f"{thing}.yaml": camera(f"rtsp://{address}/stream") for thing in ("one", "two")}
    assert len(sites(tmp_path, files, "one", "two")) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("rtsp://cam.example.com/stream", "rtsp://cam.example.com/stream"),
        ("rtsp://cam.example.com/stream", "rtsp://CAM.example.com:554/stream"),
        ("rtsp://203.0.114.9/1", "rtsp://203.0.114.9/1"),
    ],
)
def test_two_things_that_read_the_same_public_camera_are_named(tmp_path: Path, first: str, second: str) -> None:
    said = refusal(tmp_path, {"one.yaml": camera(first), "two.yaml": camera(second, "door")}, "one", "two")
    assert said == f"two/door and one/gate are the same camera: {second}"
    assert sites(tmp_path, {"two.yaml": camera(second + "2")}, "one", "two")


def test_a_thing_that_reads_a_camera_twice_is_named(tmp_path: Path) -> None:
    own = """
smartcam.Capture:
  cameras:
    gate: {source: rtsp, url: "rtsp://192.168.1.20/stream"}
    door: {source: rtsp, url: "rtsp://192.168.1.20:554/stream"}
    one: {source: picamera}
    two: {source: picamera, device: "0"}
"""
    said = refusal(tmp_path, {"one.yaml": own}, "one")
    assert "one/door and one/gate are the same camera" in said
    assert "one/two and one/one are the same camera: 0" in said


def test_a_key_that_is_given_twice_is_named_with_its_line(tmp_path: Path) -> None:
    own = "smartcam.Capture:\n  cameras:\n    gate: {source: picamera}\n    gate: {source: v4l2}\n"
    assert refusal(tmp_path, {"one.yaml": own}, "one") == (
        f"{tmp_path}/one.yaml:4: smartcam.Capture.cameras: the key 'gate' is given twice, first in line 3; "
        "one of the two would be lost"
    )
    with pytest.raises(ReleaseError, match="the key 'gate' is given twice"):
        read_merges(tmp_path / "one.yaml", COMPONENTS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("smartcam.Capture: &a\n  cameras: *a\n", "more than 10000 values"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
         + "".join(f"c{n}: &c{n} [{', '.join([f'*c{n - 1}' if n else '*b'] * 10)}]\n" for n in range(8)),
         "more than 10000 values"),
        ("smartcam.Capture: " + "{a: " * 3000 + "1" + "}" * 3000, "is nested deeper than 32"),
        ("smartcam.Capture:\n  cameras:\n    17: {source: picamera}\n",
         "trap.yaml:3: smartcam.Capture.cameras: the key '17' is no text to every reader of YAML: put it in quotes"),
        ("smartcam.Capture:\n  cameras:\n    no: {source: picamera}\n",
         "trap.yaml:3: smartcam.Capture.cameras: the key 'no' is no text"),
        ("smartcam.Model: {share: .inf}\n", "smartcam.Model: Out of range float values"),
    ],
)  # fmt: skip
def test_a_document_that_is_a_trap_is_refused_with_the_reason(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "trap.yaml").write_text(text)
    with pytest.raises(ReleaseError, match=re.escape(says)):
        read_merges(tmp_path / "trap.yaml", (*COMPONENTS, "smartcam.Model"))


def test_an_alias_and_a_merged_object_are_taken(tmp_path: Path) -> None:
    cameras = "gate: &it {source: picamera, analyse_fps: 2}\n    till: {<<: *it, analyse_fps: 3}\n"
    (tmp_path / "trap.yaml").write_text(f"smartcam.Capture:\n  cameras:\n    {cameras}")
    read = read_merges(tmp_path / "trap.yaml", COMPONENTS)
    assert read["smartcam.Capture"]["cameras"]["till"] == {"source": "picamera", "analyse_fps": 3}


def test_what_is_no_site_is_named(tmp_path: Path) -> None:
    assert "notes.txt: is neither common.yaml nor <thing>.yaml" in refusal(tmp_path, {"notes.txt": ""}, "one")
    nowhere = tmp_path / "nowhere"
    assert refusal(nowhere, {}, "one") == f"{nowhere}: cannot be read (No such file or directory)"


def test_hidden_files_are_not_looked_at(tmp_path: Path) -> None:
    assert set(sites(tmp_path, {".git": "", "one.yaml": ""}, "one")) == {"one"}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    said = refusal(tmp_path, {"one.yaml": "a: [\n"}, "one")
    assert said == f"{tmp_path}/one.yaml:2: is not YAML (expected the node content, but found '<stream end>')"
    said = refusal(tmp_path, {"one.yaml": "a: \x07"}, "one")
    assert said == f"{tmp_path}/one.yaml:1: holds the character U+0007, which YAML does not allow"


LEAVES = st.integers() | st.booleans() | st.text(max_size=2) | st.lists(st.integers(), max_size=2)
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


@given(DOCUMENTS)
def test_nothing_of_its_own_leaves_the_common_one_and_the_other_way_round(document: dict[str, Any]) -> None:
    assert merged(document, {}) == merged({}, document) == merged(document, document) == document


@given(DOCUMENTS, DOCUMENTS)
def test_what_a_thing_says_itself_is_always_there(common: dict[str, Any], own: dict[str, Any]) -> None:
    def holds(document: object, part: object) -> bool:
        if isinstance(part, dict):
            return isinstance(document, dict) and all(
                key in document and holds(document[key], value) for key, value in part.items()
            )
        return document == part

    assert holds(merged(common, own), own)
