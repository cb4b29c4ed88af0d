from pathlib import Path

import pytest

from smartcam.capture.settings import AtEnd, CameraSettings, CaptureSettings, Pacing, SourceKind, read_settings
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId

YARD = CameraId("yard")


def test_an_empty_document_means_no_camera() -> None:
    assert read_settings({}) == CaptureSettings() == read_settings({"cameras": {}, "accessControl": {"x": {}}})


def test_a_camera_needs_no_more_than_a_path() -> None:
    assert read_settings({"cameras": {"yard": {"path": "/clips/a.mp4"}}}).cameras == (
        CameraSettings(YARD, Path("/clips/a.mp4")),
    )


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
    }
    assert read_settings({"cameras": {"yard": document}}).cameras == (
        CameraSettings(YARD, Path("a.mp4"), SourceKind.FILE, Pacing.FAST, AtEnd.REOPEN, 2.5, 3.0, 0.75, 4.0, 20.0),
    )


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("path", "", "must be the path of a clip"),
        ("path", None, "must be the path of a clip"),
        ("source", "rtsp", "must be one of file"),
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


def test_a_misspelt_key_of_the_document_is_named() -> None:
    with pytest.raises(SettingsError, match="did you mean cameras"):
        read_settings({"camera": {}})
