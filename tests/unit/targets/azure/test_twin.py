"""The module twin: what is reported of settings, and that what is reported is what a twin takes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import BusUnavailable
from smartcam.edge.memory_file import MemoryFile
from standins.azure.twins import Properties, TwinRefused
from targets.azure.twin import Desired, report

CAMERA = {"path": "/films/yard.mp4"}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=40) | st.text(min_size=600, max_size=700),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)


def of(document: dict[str, Any]) -> Any:  # noqa: ANN401  as JSON has it
    return report(document)["settings"]


def test_settings_that_are_right_are_reported_with_their_version_and_nothing_refused() -> None:
    said = of({"capture": {"cameras": {"yard": CAMERA}}, "inference": {}, "$version": 7})
    assert said == {"version": 7, "capture": {"refused": []}, "inference": {"refused": []}, "refused": []}


def test_a_wrong_value_is_reported_by_key_value_and_remedy() -> None:
    said = of({"capture": {"cameras": {"yard": {**CAMERA, "analyse_fps": "many"}}}, "$version": 1})
    (refused,) = said["capture"]["refused"]
    assert (refused["key"], refused["value"]) == ("cameras.yard.analyse_fps", "'many'")
    assert "must be" in refused["remedy"]
    assert said["inference"]["refused"] == []


def test_every_wrong_value_of_both_documents_is_reported() -> None:
    wrong = {"cameras": {"yard": {**CAMERA, "analyse_fps": -1, "rotate": 45}}}
    said = of({"capture": wrong, "inference": {"timezone": "Europe/Nowhere", "nosuch": 1}, "$version": 1})
    assert {each["key"] for each in said["capture"]["refused"]} == {"cameras.yard.analyse_fps", "cameras.yard.rotate"}
    assert {each["key"] for each in said["inference"]["refused"]} == {"timezone", "nosuch"}


@pytest.mark.parametrize("section", [1, "text", [1], True])
def test_a_section_that_is_no_table_is_refused(section: object) -> None:
    (refused,) = of({"capture": section, "$version": 1})["capture"]["refused"]
    assert refused["key"] == "capture"


def test_a_misspelt_section_is_refused_and_the_right_one_named() -> None:
    (refused,) = of({"captrue": {}, "$version": 1, "$metadata": {}})["refused"]
    assert refused["key"] == "captrue"
    assert "did you mean capture?" in refused["remedy"]


def test_no_password_is_reported() -> None:
    camera = {"url": "rtsp://user:hunter2@camera/live", "source": "nonsense", "password": "hunter2"}
    said = of({"capture": {"cameras": {"yard": camera}, "passwd": "hunter2"}, "token": "hunter2", "$version": 1})
    assert said["capture"]["refused"]
    assert "hunter2" not in json.dumps(said)


@given(st.dictionaries(st.text(max_size=20), JSON, max_size=4), JSON, JSON)
def test_whatever_is_desired_the_hub_takes_the_report(more: dict[str, Any], capture: Any, inference: Any) -> None:  # noqa: ANN401
    properties = Properties()
    properties.patch(report({**more, "capture": capture, "inference": inference, "$version": 3}))


def test_a_report_of_many_faults_is_still_one_that_the_hub_takes() -> None:
    cameras = {f"c{number}": {**CAMERA, "x" * 1000 + str(number): "y" * 4000} for number in range(60)}
    properties = Properties()
    properties.patch(
        report({"capture": {"cameras": cameras}, "inference": dict.fromkeys(map(str, range(99)), "z" * 4000)})
    )


def test_the_last_twin_is_there_for_a_process_that_starts_without_a_hub(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "twin")
    with pytest.raises(BusUnavailable):
        Desired(memory).section("capture")
    assert Desired(memory).take({"capture": {"a": 1}, "$version": 1}) == {"capture", "inference"}
    assert Desired(memory).section("capture") == {"a": 1}
    assert Desired(memory).section("inference") == {}


@pytest.mark.parametrize("content", [b"", b"nonsense", b"[1]", b"{" * 100_000])
def test_a_damaged_memory_of_the_twin_is_as_none(tmp_path: Path, content: bytes) -> None:
    memory = MemoryFile(tmp_path / "twin")
    memory.store(content)
    with pytest.raises(BusUnavailable):
        Desired(memory).section("capture")


@pytest.mark.parametrize("key", ["a.b", "a b", "$a", "a\n", "k" * 1025])
def test_the_stand_in_refuses_what_a_twin_takes_not(key: str) -> None:
    properties = Properties()
    with pytest.raises(TwinRefused):
        properties.patch({"outer": {key: 1}})
    assert properties.document() == {"$version": 1}
