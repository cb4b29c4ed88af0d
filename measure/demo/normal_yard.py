"""The demo's yard on its normal days: drawn, and learned faster than life by the code of `smartcam normal`.

What was learned is kept below the folder of clips until something that it depends on changes.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import IO, Final

import numpy as np

from measure.demo.plan import ALERTS_A_DAY, DemoError
from measure.demo.yard_clip import digest
from smartcam.capture.settings import SourceSettings
from smartcam.model.encoder import open_place_encoder
from smartcam.model.manifest import MANIFEST_FILE
from smartcam.vision.normal.learner import LearningPlan
from standins.cloud.leashed import end_leashed, start_leashed
from tools.command_line import ROOT, Say
from tools.normal.footage import FootagePlan, find_footage
from tools.normal.playing import ScenePlayer
from tools.normal.writing import MEMORY, write_scene
from tools.score.playback import CAMERA
from training.clip import write_clip
from training.yard.demo import DEMO_SEED, demo_spec
from training.yard.scene import Scene, paint_setting
from training.yard.spec import Car, Cat, Rain, SceneSpec

QUIET_S: Final = 16.0
"""How much longer the demo's clip is: for 20 s after a start the learned scene only looks on."""
SPELLS: Final = 12
SPELL_S: Final = 50.0
_PICTURES_PER_S: Final = 1.0
_HOURS: Final = LearningPlan().silent_s / 3600 + 0.25
"""A little more than it takes until anything is called unusual."""
_CARS: Final = 6
_STOP_S: Final = 5.0
_TELL_EVERY_S: Final = 5.0
_TOLD: Final = "told: "
"""Begins what the learning process has to say to a person; the runtime's own lines do not begin so."""
_ROOTS: Final = (
    "components/smartcam/vision",
    "components/smartcam/model",
    "components/smartcam/inference/analysis",
    "tools/normal",
    "training/yard",
    "training/clip.py",
    "measure/demo/normal_yard.py",
)
"""What the memory depends on."""


@contextmanager
def learned_yard(folder: Path, say: Say) -> Iterator[Callable[[], Path]]:
    """What is normal in the demo's yard is learned beside the block, unless it is known already.

    The block is given a function that waits for it and returns the memory's file. It raises DemoError.
    """
    kept = folder / f"normal-{_digest()}"
    if (kept / "bundle" / MANIFEST_FILE).is_file():
        say(f"the normal yard was learned by an earlier demo, {_HOURS:g} h of it")
        yield lambda: kept / "bundle" / MEMORY
        return
    command = [sys.executable, "-m", "measure.demo.normal_yard", str(kept)]
    process = start_leashed(command, os.environ, ROOT, subprocess.PIPE)
    last = [""]
    reading = Thread(target=_retell, args=(process.stdout, say, last), daemon=True)
    reading.start()

    def wait() -> Path:
        code = process.wait()
        reading.join()
        if code:
            raise DemoError(f"the normal yard could not be learned (exit {code}): {last[0] or 'it said nothing'}")
        return kept / "bundle" / MEMORY

    try:
        yield wait
    finally:
        end_leashed(process, _STOP_S)
        reading.join()


def normal_spells(count: int = SPELLS) -> Iterator[SceneSpec]:
    """The demo's yard without anybody, again and again: cars, a cat, rain, clouds, dusk and the lamp at other times."""
    rng = np.random.default_rng([DEMO_SEED, 16])
    base = demo_spec()
    for _ in range(count):
        bright, dip_s, dusk_s = rng.uniform(0.8, 1.0), rng.uniform(3, 12), rng.uniform(15, 60)
        levels = (
            (0.0, 1.0),
            (dip_s, 1.0),
            (dip_s + 2, 0.8),
            (dip_s + 5, 1.0),
            (dusk_s, 0.95),
            (dusk_s + 7, 0.45),
            (dusk_s + 22, 0.32),
        )
        dimmed = tuple((float(at_s), float(bright * level)) for at_s, level in levels)
        rain_s = float(rng.uniform(0, 60))
        yield replace(
            base,
            length_s=SPELL_S,
            light=replace(base.light, levels=dimmed, lamp_on_s=float(dusk_s + 4.6)),
            rain=Rain(rain_s, rain_s + 20, 70),
            cars=tuple(_car(rng) for _ in range(_CARS)),
            cats=tuple(_cat(rng) for _ in range(rng.integers(2))),
            visits=(),
        )


def _car(rng: np.random.Generator) -> Car:
    speed = float(rng.choice([-1, 1]) * rng.uniform(9, 12.5))
    red, green, blue = (int(part) for part in rng.integers(30, 200, 3))
    return Car(
        float(rng.uniform(-3, SPELL_S - 2)),
        speed,
        float(rng.choice([12.8, 15.6])),
        (blue, green, red),
        float(rng.uniform(4.2, 5.2)),
        float(rng.uniform(1.4, 2.1)),
    )


def _cat(rng: np.random.Generator) -> Cat:
    start_s = float(rng.uniform(0, SPELL_S - 10))
    left, right = (-2.4, float(rng.uniform(5.5, 7.5))), (6.6, float(rng.uniform(5, 7)))
    ends = (left, right) if rng.random() < 0.5 else (right, left)  # noqa: PLR2004 - either way as often
    return Cat(start_s, start_s + 5.2, *ends, (44, 84, 150), 1.15)


def learn(kept: Path, tell: Say) -> None:
    """Draw the normal yard and learn it, unless another process has meanwhile. Raises ScoreError, OSError."""
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "bundle" / MANIFEST_FILE).is_file():
            _learn(kept, tell)


def _learn(kept: Path, tell: Say) -> None:
    begun = time.monotonic()
    clips = kept / "clips"
    tell("drawing the normal yard: cars, a cat, rain and dusk, and nobody")
    setting = paint_setting(demo_spec())
    for number, spec in enumerate(normal_spells()):
        write_clip(clips / f"{number:02}.mp4", Scene(spec, setting), _PICTURES_PER_S)
    watched = time.monotonic()
    minutes = SPELLS * SPELL_S / 60
    tell(f"watching {minutes:.0f} min of the normal yard again and again, until that is {_HOURS:g} h")
    player = ScenePlayer(LearningPlan(ALERTS_A_DAY), SourceSettings(CAMERA), open_place_encoder(), tell)
    for film in find_footage(FootagePlan(clips), tell).learned:
        player.play(film)
    said = time.monotonic()

    def tick(hours: float) -> None:
        nonlocal said
        if time.monotonic() - said >= _TELL_EVERY_S:
            said = time.monotonic()
            tell(f"... {hours:.1f} h of the normal yard watched")

    player.watch_again(_HOURS, tick)
    write_scene(kept / "bundle", player.scene)
    hours, now = player.scene.progress.hours, time.monotonic()
    speed = 3600 * hours / (now - watched)
    tell(f"learned: {hours:.1f} h watched, {speed:.0f} times faster than life ({now - begun:.0f} s with the drawing)")


def _retell(output: IO[bytes], say: Say, last: list[str]) -> None:
    with output:
        for line in output:
            text = line.decode(errors="replace").rstrip()
            if text.startswith(_TOLD):
                say(text.removeprefix(_TOLD))
            elif text:
                last[0] = text


def _digest() -> str:
    under = ([ROOT / root] if (ROOT / root).is_file() else (ROOT / root).rglob("*") for root in _ROOTS)
    return digest(path for paths in under for path in paths if path.suffix in {".py", ".tflite"})


def _tell(line: str) -> None:
    print(f"{_TOLD}{line}", flush=True)


def main(argv: Sequence[str]) -> int:
    """0: the folder named has what was learned."""
    learn(Path(argv[0]), _tell)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
