"""The demo's clip: generated when it is first needed, and again when its generator has changed."""

import fcntl
import hashlib
from collections.abc import Iterable
from pathlib import Path

from tools.command_line import ROOT, Say
from training.clip import write_clip
from training.yard.demo import DEMO_SEED, FRAMES_PER_SECOND, after_quiet, demo_spec
from training.yard.scene import Scene


def yard_clip(folder: Path, say: Say, quiet_s: float = 0.0) -> Path:
    """The clip below the folder, made unless it is there; so many seconds longer before anything happens."""
    clip = folder / f"yard-{digest((ROOT / 'training' / 'yard').glob('*.py'))}{f'-{quiet_s:g}s' if quiet_s else ''}.mp4"
    if clip.is_file():
        return clip
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two who make it at once would write into the same file
        if not clip.is_file():
            say("generating the demo's clip: a yard by day, an intruder, and much that is normal")
            write_clip(clip, Scene(after_quiet(demo_spec(DEMO_SEED), quiet_s)), FRAMES_PER_SECOND)
    return clip


def digest(sources: Iterable[Path]) -> str:
    """What names a thing that is made of these files, so that it is made again when one of them changes."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:12]
