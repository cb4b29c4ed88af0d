import json
import os
from pathlib import Path
from typing import Any

import pytest

from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.model.manifest import ModelKind
from tests.clips import moving_square, write_clip
from tests.pipeline.visitor import red_bundle, visit_clip
from tests.unit.inference.stage import manifest
from tests.unit.tools.score.finder import Finder
from tools.score.detections import DetectionCache
from tools.score.intervals import ScoreError
from tools.score.measuring import ScorePlan, checked_clips, checked_model, measure_plan, play_clip, scored
from tools.score.playback import CAMERA, Playback

FRAMES = 40


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Three clips, of which the last one states no number of pictures."""
    for name in ("a.mp4", "b.mp4", "c.mkv"):
        visit_clip(tmp_path / name, 10, 10, FRAMES - 32)
    red_bundle(tmp_path / "bundle")
    return tmp_path


def plan_of(place: Path, last: object, **more: Any) -> ScorePlan:  # noqa: ANN401  any field of the plan
    videos = [place / name for name in ("a.mp4", "b.mp4", "c.mkv")]
    labels = place / "labels.json"
    labels.write_text(json.dumps({"a.mp4": {"person": [[0, 9]]}, "b.mp4": {"objects": []}, "c.mkv": last}))
    return ScorePlan(videos, [labels], place / "bundle", **more)


def never(*_: object, **__: object) -> Playback:
    raise AssertionError("played")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"person": [[0, FRAMES]]}, "labels of c.mkv: [0, 40] of person lies outside the clip, which has 40 frames"),
        ({"person": [{"seconds": [0, 9]}]}, "lies outside the clip, which has 2.0 s"),
        ({"unsure": [[0, FRAMES]]}, "[0, 40] of unsure lies outside the clip"),
        ({"objects": [{"id": "x", "kind": "person", "frames": [0, FRAMES]}]}, "[0, 40] of person lies outside"),
        ({"objects": [{"id": "x", "kind": "person", "frames": [0, 9], "boxes": [[0, 0, 0, 2, 2]]}]}, "shares of the"),
        ({"objects": [{"id": "x", "kind": "person", "frames": [0, 9]}] * 2}, "in sight twice at once"),
        ({"person": "7 to 9", "vehicle": 7}, "vehicle = 7 is not a list"),
    ],
)
def test_a_mistake_in_the_last_clips_labels_is_told_before_the_first_is_played(
    place: Path, last: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.score.measuring.play", never)
    with pytest.raises(ScoreError) as caught:
        measure_plan(plan_of(place, last))
    assert said in str(caught.value)


def test_a_last_clip_that_is_missing_or_unlabelled_is_told_of_before_the_first_is_played(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.score.measuring.play", never)
    plan = plan_of(place, {})
    (place / "c.mkv").rename(place / "d.mkv")
    with pytest.raises(ScoreError, match=r"c\.mkv: there is no such file"):
        measure_plan(plan)
    with pytest.raises(ScoreError, match=r"no entry for d\.mkv"):
        measure_plan(ScorePlan([*plan.videos[:2], place / "d.mkv"], plan.labels, plan.bundle))


def test_what_is_there_and_is_no_file_is_not_said_to_be_missing(place: Path) -> None:
    plan = plan_of(place, {})
    (place / "c.mkv").unlink()
    os.mkfifo(place / "c.mkv")
    with pytest.raises(ScoreError, match=r"c\.mkv: is not a plain file"):
        measure_plan(plan)


def test_pictures_are_counted_only_where_the_container_does_not_say_enough(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(place, {"person": [[0, FRAMES - 1]]})
    assert [clip.pictures for clip in checked_clips(plan, lambda _: None)] == [FRAMES] * 3
    monkeypatch.setattr("tools.score.measuring._counted", never)
    assert [clip.pictures for clip in checked_clips(plan_of(place, {}), lambda _: None)] == [FRAMES, FRAMES, 0]


def test_clips_that_are_played_at_once_give_the_same_score_in_the_same_order(place: Path) -> None:
    one, several = (measure_plan(plan_of(place, {"person": [[5, 25]]}, jobs=jobs)) for jobs in (1, 3))
    assert [clip.video for clip in several.clips] == ["a.mp4", "b.mp4", "c.mkv"]
    assert [clip.outcome for clip in several.clips] == [clip.outcome for clip in one.clips]
    assert several.events > 0


def test_a_clip_that_cannot_be_played_ends_several_at_once_in_one_error(place: Path) -> None:
    plan = plan_of(place, {}, jobs=2)
    clips = checked_clips(plan, lambda _: None)
    model = checked_model(plan)
    (place / "b.mp4").write_bytes(b"no clip any more")
    with pytest.raises(ScoreError, match=r"b\.mp4"):
        scored(plan, clips, model)


def test_a_second_run_asks_the_model_nothing_and_finds_the_same(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "v.mp4", moving_square(frames=30))
    sees_all = manifest(ModelKind.DETECTOR)

    def run(cache: DetectionCache | None, min_frames: int | None = None) -> tuple[int, Playback]:
        finder = Finder()
        settings = InferenceSettings(cameras={CAMERA: AnalysisSettings(min_frames=min_frames)})
        plan = ScorePlan([clip], [], tmp_path, cache=cache, settings=settings)
        playback = play_clip(plan, clip, ObjectModel(sees_all, finder), lambda: None)
        return finder.asked, playback

    cache = DetectionCache(tmp_path / "cache")
    without, bare = run(None)
    asked, first = run(cache)
    again, second = run(cache)
    for_others, later = run(cache, min_frames=20)
    assert (without, asked, again, for_others) == (bare.frames_analysed, bare.frames_analysed, 0, 0)
    assert (first.recalled, second.recalled) == (0, asked)
    assert bare.events == first.events == second.events
    assert len(bare.events) == len(later.events) == 1
    assert later.events[0].start_s > second.events[0].start_s
    assert bare.events[0].box is not None
    assert bare.events[0].box[1::2] == pytest.approx((60 / 240, 200 / 240), abs=0.01)


def test_a_cache_that_cannot_be_written_costs_a_line_and_no_measurement(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "v.mp4", moving_square(frames=10))
    (tmp_path / "cache").write_text("a file")
    told: list[str] = []
    plan = ScorePlan([clip], [], tmp_path, cache=DetectionCache(tmp_path / "cache"))
    sees_all = ObjectModel(manifest(ModelKind.DETECTOR), Finder())
    assert play_clip(plan, clip, sees_all, lambda: None, told.append).frames_read == 10
    assert [line.partition(" in ")[0] for line in told] == ["detections of v.mp4 are not kept"]
