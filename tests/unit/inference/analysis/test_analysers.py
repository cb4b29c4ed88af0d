"""Which analyses a camera has, and what all of them keep to."""

from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.event import EventKind
from smartcam.contract.ids import EventId
from smartcam.contract.snapshot import UploadKeys
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.analysers import AnalysisSetup, lasting_analyses, model_analyses
from smartcam.inference.analysis.analysis import Analysis, Model
from smartcam.inference.analysis.normal import NormalAnalysis
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.analysis.scene import SceneAnalysis
from smartcam.inference.analysis.tamper import TamperAnalysis
from smartcam.inference.events import OpenEpisode, Trigger
from smartcam.inference.settings import AnalysisSettings
from smartcam.vision.journal import JournalRow
from smartcam.vision.rule import Rule
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import GATE, HERE, START, frame, happened, maker, object_model, scene_model, seen

SETUP = AnalysisSetup(replace(maker(), model_name=None, model_version=None), AnalysisSettings())
OBJECTS, SCENE = object_model([seen(("person", 0.8, HERE))]), scene_model([0.9])


def test_each_model_has_its_analysis_and_the_lens_is_watched_without_one() -> None:
    assert [type(each) for each in lasting_analyses(SETUP)] == [TamperAnalysis, NormalAnalysis]
    assert [type(each) for each in model_analyses(SETUP, OBJECTS)] == [ObjectAnalysis]
    assert [type(each) for each in model_analyses(SETUP, SCENE)] == [SceneAnalysis]


@pytest.mark.parametrize("model", [OBJECTS, SCENE], ids=["objects", "scene"])
def test_the_events_of_a_model_name_it_and_their_pictures(model: Model) -> None:
    def keys(event: EventId) -> UploadKeys:
        return UploadKeys(f"pictures/{event}", f"clips/{event}")

    (analysis,) = model_analyses(replace(SETUP, upload_keys=keys), model)
    events = [each.event for look in range(5) for each in analysis.update(frame(look / 5)) if each.event is not None]
    assert [(each.model_name, each.model_version) for each in events] == [(model.manifest.name, "1.2.0")]
    assert UploadKeys(events[0].snapshot_key, events[0].clip_object) == keys(events[0].event_id)


def test_what_the_lens_shows_is_kept_where_the_setup_says(tmp_path: Path) -> None:
    asked: list[str] = []

    def memory(what: str) -> MemoryFile:
        asked.append(what)
        return MemoryFile(tmp_path / what)

    lasting_analyses(replace(SETUP, memory=memory))
    assert asked == ["view", "normal"]


def test_who_is_seen_is_noted_where_the_setup_says() -> None:
    rows: list[JournalRow] = []
    (analysis,) = model_analyses(replace(SETUP, journal=rows.extend), OBJECTS)
    for look in range(10):
        analysis.update(frame(look / 5))
    assert [row.label for row in rows] == ["person"]


@pytest.mark.parametrize(
    "settings",
    [AnalysisSettings(labels=("persn", "motion")), AnalysisSettings(rules=(Rule("one", ("persn", "person")),))],
)
def test_a_label_that_the_model_does_not_know_is_named(
    settings: AnalysisSettings, caplog: pytest.LogCaptureFixture
) -> None:
    model_analyses(replace(SETUP, settings=settings), OBJECTS)
    assert "labels_unknown" in caplog.text
    assert "['persn']" in caplog.text


def every_analysis() -> list[Analysis]:
    return [*lasting_analyses(SETUP), *model_analyses(SETUP, OBJECTS), *model_analyses(SETUP, SCENE)]


def left_open(kind: EventKind, age_ms: int) -> list[OpenEpisode]:
    """One of a bundle's model, and one of none."""
    makers = maker(), replace(maker(GATE), model_name=None, model_version=None)
    made = [each.raised(Trigger(kind, 0.8, 0.6), SOME_DAY, START)[0] for each in makers]
    return [replace(each, age_ms=age_ms) for each in made]


@pytest.mark.parametrize("analysis", every_analysis(), ids=lambda each: type(each).__name__)
def test_every_analysis_ends_what_it_has_resumed_once_and_only_once(analysis: Analysis) -> None:
    left = [each for kind in EventKind for each in left_open(kind, age_ms=1000) if analysis.owns(each.event)]
    analysis.resume(left)
    assert {each.event.event_id for each in analysis.episodes()} == {each.event.event_id for each in left}
    ended = [each.event.event_id for each in analysis.end(SOME_DAY) if each.event is not None]
    assert sorted(ended) == sorted(each.event.event_id for each in left)
    assert (analysis.episodes(), analysis.end(SOME_DAY)) == ([], [])


@pytest.mark.parametrize("analysis", every_analysis(), ids=lambda each: type(each).__name__)
def test_no_analysis_looks_at_a_frame_twice_or_backwards(analysis: Analysis) -> None:
    changes = [change for at in (10, 10, 9.8, 9.6, 9.4) for change in analysis.update(frame(at))]
    assert happened(changes) == []


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.CAMERA_LOST])
def test_every_kind_of_episode_has_an_owner_in_a_camera_and_the_learned_scene_has_only_its_own(kind: EventKind) -> None:
    by_model, by_none = (each.event for each in left_open(kind, age_ms=0))
    for model in (OBJECTS, SCENE):
        lens, learned, modelled = *lasting_analyses(SETUP), *model_analyses(SETUP, model)
        assert [each.owns(by_model) for each in (lens, modelled)].count(True) == 1
        assert not learned.owns(by_model)
        assert learned.owns(by_none) is (kind is EventKind.ANOMALY)
