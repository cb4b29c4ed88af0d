from collections.abc import Mapping
from pathlib import Path

import pytest

from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId
from smartcam.inference.settings import AnalysisSettings, InferenceSettings, read_settings
from smartcam.vision.zone import Zone

YARD = CameraId("yard")
TRIANGLE = [[0, 0], [1, 0], [0.5, 1]]


def test_an_empty_document_means_the_defaults() -> None:
    assert read_settings({}) == InferenceSettings()


def test_a_camera_without_an_entry_has_the_bundles_values() -> None:
    assert read_settings({}).camera(YARD) == AnalysisSettings()


def test_numbers_may_come_as_strings() -> None:
    document = {
        "camera_lost_after_s": "15",
        "event_valid_s": "600",
        "outbox": {"max_age_h": "24", "max_events": "500"},
        "cameras": {"yard": {"raise_at": "0.7", "clear_at": "0.3", "min_frames": "4", "labels": ["person"]}},
    }
    settings = read_settings(document)
    assert (settings.camera_lost_after_s, settings.event_valid_s) == (15, 600)
    assert (settings.outbox.max_age_s, settings.outbox.max_events) == (86_400, 500)
    assert settings.camera(YARD) == AnalysisSettings(("person",), 0.7, 0.3, 4)


def test_zones_are_read_with_their_names() -> None:
    settings = read_settings({"cameras": {"yard": {"zones": {"gate": TRIANGLE}}}})
    assert settings.camera(YARD).zones == (Zone("gate", ((0, 0), (1, 0), (0.5, 1))),)


def test_a_bundle_may_be_named() -> None:
    assert read_settings({"bundle": "/models/coco"}).bundle == Path("/models/coco")
    assert read_settings({"bundle": ""}).bundle is None


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"camera_lost_after": 5}, "camera_lost_after"),
        ({"camera_lost_after_s": "soon"}, "camera_lost_after_s"),
        ({"cameras": {"y d": {}}}, "cameras.y d"),
        ({"cameras": {"yard": {"raise_at": 2}}}, "cameras.yard.raise_at"),
        ({"cameras": {"yard": {"raise_at": 0.4, "clear_at": 0.5}}}, "cameras.yard.clear_at"),
        ({"cameras": {"yard": {"min_frames": 0}}}, "cameras.yard.min_frames"),
        ({"cameras": {"yard": {"treshold": 0.5}}}, "cameras.yard.treshold"),
        ({"cameras": {"yard": {"zones": {"gate": [[0, 0], [1, 1]]}}}}, "cameras.yard.zones.gate"),
        ({"cameras": {"yard": {"zones": {"gate": [[0, 0], [0.5, 0.5], [1, 1]]}}}}, "cameras.yard.zones.gate"),
        ({"outbox": {"max_events": 1}}, "outbox.max_events"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(document: Mapping[str, object], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(document)
    assert caught.value.key == key
    assert caught.value.remedy
