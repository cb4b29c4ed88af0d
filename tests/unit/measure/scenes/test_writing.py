import json
from pathlib import Path

import numpy as np

from measure.scenes.drawn import Painted, SceneClip
from measure.scenes.stories import road
from measure.scenes.writing import LABELS, write
from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.file import open_clip


def test_a_scene_is_written_as_a_clip_of_its_pictures_and_each_clip_of_a_folder_has_its_labels(tmp_path: Path) -> None:
    scenes = [road(seed, 4.0) for seed in (1, 2)]
    paths = [write(SceneClip(scene, Painted(scene)), tmp_path / "made") for scene in scenes]
    assert [path.name for path in paths] == ["road-1.mp4", "road-2.mp4"]
    labels = json.loads((tmp_path / "made" / LABELS).read_bytes())
    assert {name: (entry["fps"], entry["frames"]) for name, entry in labels.items()} == {
        "road-1.mp4": (15.0, 60),
        "road-2.mp4": (15.0, 60),
    }
    clip = open_clip(paths[0])
    read = list(all_pictures(clip))
    assert (len(read), clip.frames_per_second) == (60, 15.0)
    drawn = Painted(scenes[0])(20 / 15).y.astype(int)
    assert np.abs(read[20].picture.y.astype(int) - drawn).mean() < 4
