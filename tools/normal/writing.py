"""The bundle of a learned scene: the very memory file that a device keeps, and what is known of it."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from errno import EEXIST
from pathlib import Path
from typing import Final

from smartcam.edge.files import replace_file
from smartcam.edge.memory_file import MemoryFile
from smartcam.model.manifest import MANIFEST_FILE, SCENE_MEMORY
from smartcam.vision.normal.calibration import hours_for
from tools.normal.playing import RecordingScene
from training.bundle import put

MEMORY: Final = "scene.memory"
"""What a device has as `normal-CAMERA` in the work folder of smartcam.Inference."""
_FORMAT: Final = 1


def check_place(folder: Path) -> None:
    """Raises FileExistsError where something is that is no such bundle: it would be lost."""
    if not os.path.lexists(folder):
        return
    others = [path.name for path in folder.iterdir()] if folder.is_dir() and not folder.is_symlink() else ["a file"]
    if strange := sorted(set(others) - {MEMORY, MANIFEST_FILE}):
        raise FileExistsError(EEXIST, f"is there, and is no learned scene (holds {strange[0]})", str(folder))


def write_scene(folder: Path, scene: RecordingScene) -> Mapping[str, object]:
    """Writes the bundle, for its owner only, and returns its manifest; an existing one is replaced by a whole one.

    Raises:
        OSError: it cannot be written, or would replace something else; what was there is there still.
    """
    check_place(folder)
    return put(folder, lambda place: _write(place, scene))


def told(scene: RecordingScene) -> dict[str, object]:
    """What a scene has learned and can promise, for programs."""
    progress, promise = scene.progress, scene.promised
    missing_h = progress.of_hours - progress.hours if promise else scene.hours_until_judging + hours_for(scene.budget)
    return {
        "stage": progress.stage,
        "hours": round(progress.hours, 3),
        "hours_to_promise": round(max(missing_h, 0.0), 3),
        "alerts_a_day": scene.budget,
        "promise": None if promise is None else asdict(promise) | {"kept": promise.kept},
    }


def _write(folder: Path, scene: RecordingScene) -> Mapping[str, object]:
    folder.mkdir(mode=0o700)
    memory = MemoryFile(folder / MEMORY)
    memory.store(scene.content(), durable=True)
    digest = hashlib.sha256(memory.path.read_bytes()).hexdigest()
    manifest = {
        "format": _FORMAT,
        "kind": SCENE_MEMORY,
        "files": {MEMORY: digest},
        "numbers_a_place": scene.width,
        **told(scene),
    }
    replace_file(folder / MANIFEST_FILE, (json.dumps(manifest, indent=1) + "\n").encode(), durable=True)
    return manifest
