from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.wanted import Verdict, Wanted
from smartcam.edge.history.folder import HistorySettings
from smartcam.edge.journal.folder import JournalSettings
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
        "journal": {"keep": "off", "max_mb": "20", "max_days": "3"},
        "history": {"keep": "off", "max_mb": "5", "max_days": "90"},
        "cameras": {"yard": {"raise_at": "0.7", "clear_at": "0.3", "min_frames": "4", "labels": ["person"]}},
    }
    settings = read_settings(document)
    assert (settings.camera_lost_after_s, settings.event_valid_s) == (15, 600)
    assert (settings.outbox.max_age_s, settings.outbox.max_events) == (86_400, 500)
    assert settings.journal == JournalSettings(keep=False, max_mb=20, max_days=3)
    assert settings.history == HistorySettings(keep=False, max_mb=5, max_days=90)
    assert settings.camera(YARD) == AnalysisSettings(("person",), 0.7, 0.3, 4)


def test_a_camera_learns_its_scene_only_where_it_is_told_to_with_the_budget_that_it_is_given() -> None:
    document = {"cameras": {"yard": {"normal": "on", "alerts_a_day": "0.5"}, "gate": {"normal": True}, "hall": {}}}
    settings = read_settings(document)
    found = [(one.normal, one.alerts_a_day) for one in map(settings.camera, map(CameraId, ("yard", "gate", "hall")))]
    assert found == [(True, 0.5), (True, 1.0), (False, 1.0)]


def test_what_people_have_said_of_events_reaches_every_camera() -> None:
    verdicts = (Verdict(EventId("e1"), true=False),)
    settings = replace(read_settings({}), wanted=Wanted(1, verdicts=verdicts))
    assert settings.camera(YARD).verdicts == verdicts


def test_zones_are_read_with_their_names() -> None:
    settings = read_settings({"cameras": {"yard": {"zones": {"gate": TRIANGLE}}}})
    assert settings.camera(YARD).zones == (Zone("gate", ((0, 0), (1, 0), (0.5, 1))),)


def test_a_filter_may_be_named_and_there_is_none_otherwise() -> None:
    assert read_settings({"filter": "/srv/filter"}).filter == Path("/srv/filter")
    assert read_settings({}).filter is None
    assert read_settings({"filter": ""}).filter is None


def test_a_bundle_may_be_named() -> None:
    assert read_settings({"bundle": "/models/coco"}).bundle == Path("/models/coco")
    assert read_settings({"bundle": ""}).bundle is None


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"snapshots": {"clips": True}}, "snapshots.clips"),
        ({"snapshots": {"enabled": True}}, "snapshots.bucket"),
        ({"camera_lost_after": 5}, "camera_lost_after"),
        ({"camera_lost_after_s": "soon"}, "camera_lost_after_s"),
        ({"cameras": {"y d": {}}}, "cameras.y d"),
        ({"cameras": {"yard": {"raise_at": 2}}}, "cameras.yard.raise_at"),
        ({"cameras": {"yard": {"raise_at": 0.4, "clear_at": 0.5}}}, "cameras.yard.clear_at"),
        ({"cameras": {"yard": {"min_frames": 0}}}, "cameras.yard.min_frames"),
        ({"cameras": {"yard": {"normal": "perhaps"}}}, "cameras.yard.normal"),
        ({"cameras": {"yard": {"alerts_a_day": 0}}}, "cameras.yard.alerts_a_day"),
        ({"cameras": {"yard": {"alerts_a_day": 101}}}, "cameras.yard.alerts_a_day"),
        ({"cameras": {"yard": {"alerts_a_day": "nan"}}}, "cameras.yard.alerts_a_day"),
        ({"cameras": {"yard": {"treshold": 0.5}}}, "cameras.yard.treshold"),
        ({"cameras": {"yard": {"zones": {"gate": [[0, 0], [1, 1]]}}}}, "cameras.yard.zones.gate"),
        ({"cameras": {"yard": {"zones": {"gate": [[0, 0], [0.5, 0.5], [1, 1]]}}}}, "cameras.yard.zones.gate"),
        ({"outbox": {"max_events": 1}}, "outbox.max_events"),
        ({"journal": {"max_mb": 0}}, "journal.max_mb"),
        ({"journal": {"max_days": "32"}}, "journal.max_days"),
        ({"journal": {"keep": "perhaps"}}, "journal.keep"),
        ({"journal": {"days": 7}}, "journal.days"),
        ({"history": {"max_mb": 201}}, "history.max_mb"),
        ({"history": {"max_days": "0"}}, "history.max_days"),
        ({"history": {"keep": "perhaps"}}, "history.keep"),
        ({"history": {"max_files": 7}}, "history.max_files"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(document: Mapping[str, object], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(document)
    assert caught.value.key == key
    assert caught.value.remedy


def test_a_camera_names_its_detector_and_each_other_has_the_default_bundle() -> None:
    cameras = {
        "yard": {"detector": "traffic"},
        "gate": {"detector": "mine"},
        "door": {"detector": "default"},
        "till": {},
    }
    document = {"bundle": "/one", "bundles": {"traffic": "", "mine": "/mine", "unused": ""}, "cameras": cameras}
    settings = read_settings(document)
    assert settings.camera(YARD).detector == "traffic"
    assert {settings.camera(CameraId(name)).detector for name in ("door", "till", "others")} == {"default"}
    assert settings.bundle_folders(Path("/released")) == {
        "default": Path("/one"),
        "mine": Path("/mine"),
        "traffic": Path("/released/traffic"),
    }
    assert read_settings({}).bundle_folders(Path("/released")) == {"default": Path("/released")}


@pytest.mark.parametrize("wrong", ["trafic", "Traffic", "../traffic", "mine "])
def test_a_camera_with_the_name_of_no_bundle_is_one_error_with_the_names_that_there_are(wrong: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"bundles": {"traffic": "", "mine": "/m"}, "cameras": {"yard": {"detector": wrong}}})
    assert (caught.value.key, caught.value.value, caught.value.also) == ("cameras.yard.detector", wrong, ())
    assert "must be one of default, mine, traffic" in caught.value.remedy


def test_a_detector_without_any_bundles_says_where_to_name_one() -> None:
    with pytest.raises(SettingsError, match="must be one of default; name another one in `bundles`"):
        read_settings({"cameras": {"yard": {"detector": "traffic"}}})
