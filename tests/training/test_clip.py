"""The demo's clip: what is in it, what is said of it, and that it is cheap to make."""

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from training import demo_clip
from training.clip import labels_of, write_clip
from training.yard.demo import DEMO_SEED, FRAMES_PER_SECOND, LENGTH_S, demo_spec
from training.yard.scene import NOBODY, Scene, Truth, paint_setting


@pytest.fixture(scope="module")
def small_scene() -> Scene:
    spec = replace(demo_spec(), width=192, height=108)
    return Scene(spec, paint_setting(spec))


def test_frames_with_somebody_become_intervals_with_the_last_frame_included() -> None:
    some = Truth(0.8, None)
    truths = [NOBODY, some, some, NOBODY, Truth(0.09, None), some]
    assert labels_of(truths, 10).intruder == ((1, 2), (5, 5))


def test_the_demo_has_two_visits_of_more_than_six_seconds_well_apart(small_scene: Scene) -> None:
    truths = [small_scene.truth(frame / FRAMES_PER_SECOND) for frame in range(round(LENGTH_S * FRAMES_PER_SECOND))]
    first, second = labels_of(truths, FRAMES_PER_SECOND).intruder
    assert first[0] > 6 * FRAMES_PER_SECOND, "time to settle"
    assert all(last - start > 6 * FRAMES_PER_SECOND for start, last in (first, second))
    assert second[0] - first[1] > 3 * FRAMES_PER_SECOND
    assert len(truths) - second[1] > 3 * FRAMES_PER_SECOND, "time to end the second episode"


def test_the_demo_shows_a_cat_and_cars_before_anybody_comes() -> None:
    spec = demo_spec()
    start = spec.visits[0].path[0].at_s
    assert spec.cats[0].end_s < start
    assert sum(car.start_s < start for car in spec.cars) >= 2


def test_somebody_in_the_demo_fills_a_good_part_of_the_picture(small_scene: Scene) -> None:
    heights = []
    for time_s in np.arange(9.5, 19.0, 0.5):
        box = small_scene.truth(time_s).box
        assert box is not None
        heights.append((box.y2 - box.y1) / 108)
    assert min(heights) > 0.15
    assert np.median(heights) > 0.25


def test_a_clip_has_all_its_frames_and_its_labels_beside_it(tmp_path: Path) -> None:
    spec = replace(demo_spec(), width=320, height=180, length_s=11.0)
    path = tmp_path / "deep" / "yard.mp4"
    scene = Scene(spec)
    labelling = write_clip(path, scene, 5.0)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, float(stream.average_rate or 0)) == ("h264", 5.0)
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(stream)]
    assert len(frames) == labelling.frames == 55
    assert np.abs(frames[10].astype(int) - scene.picture(2.0).astype(int)).mean() < 8
    stored = json.loads(path.with_suffix(".labels.json").read_text())
    assert stored["yard.mp4"]["fps"] == 5.0
    assert stored["yard.mp4"]["frames"] == 55
    assert stored["yard.mp4"]["intruder"] == [list(interval) for interval in labelling.intruder]
    assert sorted(file.name for file in path.parent.iterdir()) == ["yard.labels.json", "yard.mp4"]


def test_the_command_says_what_it_needs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        demo_clip.main([])
    assert "--out" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        demo_clip.main(["--out", str(tmp_path / "a.mp4"), "--seed", "-1"])
    assert "--seed must not be negative" in capsys.readouterr().err


def test_the_story_does_not_depend_on_the_seed() -> None:
    assert replace(demo_spec(DEMO_SEED + 1), seed=DEMO_SEED) == demo_spec()
