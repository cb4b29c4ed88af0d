"""`smartcam tampering`: simulated tampering laid over clips, and how soon the tamper watch raises each case.

Exit code 3 when a case was raised late, with a wrong cause, or for nothing.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import cv2
import numpy as np

from measure.probe import Grey, Light
from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraLost
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs
from smartcam.vision.tamper import Cause, TamperWatch
from tools.command_line import complain

Effect = Callable[[Light, float, float], Light]
"""Takes the picture, the seconds since the effect began (never negative), and the width that sizes are relative to."""

BEGINS_S: Final = 20.0
"""How long the view is left alone before something is done to it."""
LASTS_S: Final = 14.0
QUICK_S: Final = 2.0
TURNED_S: Final = 5.0
SLOW_S: Final = 10.0
_NOISE: Final = 1.5
"""Sensor noise, sigma in grey levels, on all that the lens still lets through."""
_SIZE: Final = (320, 180)
_NIGHT_S: Final = 120.0
_PACE: Final = 2.5
"""Pictures per second: about as many as the watch is shown on a device."""


@dataclass(frozen=True, slots=True)
class Tampering:
    """Something done to a camera, and within how many seconds it must be raised; None for never."""

    name: str
    effect: Effect
    within_s: float | None
    causes: tuple[Cause, ...] = ()
    lasts_s: float = LASTS_S
    freezes: bool = False


def _cover(share: float, level: float, *, from_left: bool = False) -> Effect:
    def cover(picture: Light, _s: float, _width: float) -> Light:
        covered = picture.copy()
        rows, columns = picture.shape
        if from_left:
            covered[:, : round(columns * share)] = level
        else:
            covered[: round(rows * share)] = level
        return covered

    return cover


def _blur(share: float) -> Effect:
    return lambda picture, _s, width: np.asarray(cv2.GaussianBlur(picture, (0, 0), share * width), np.float32)


def _shift(right: float, down: float = 0.0) -> Effect:
    def turn(picture: Light, _s: float, width: float) -> Light:
        move = np.array([[1, 0, right * width], [0, 1, down * width]], np.float32)
        size = picture.shape[1], picture.shape[0]
        return np.asarray(cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REFLECT), np.float32)

    return turn


def _same(picture: Light, _s: float, _width: float) -> Light:
    return picture


def _black(picture: Light, _s: float, _width: float) -> Light:
    return np.full_like(picture, 16)


def _glare(picture: Light, _s: float, _width: float) -> Light:
    return picture + 160


def _night(picture: Light, s: float, _width: float) -> Light:
    return 16 + (picture - 16) * np.float32(max(1 - s / _NIGHT_S, 0.0))


def _lamp(picture: Light, s: float, _width: float) -> Light:
    rows, columns = picture.shape
    across = np.linspace(0.0, 1.0, columns, dtype=np.float32)
    down = np.linspace(0.0, 1.0, rows, dtype=np.float32)[:, None]
    lit = 0.35 + 1.2 * np.exp(-((across - 0.3) ** 2 + (down - 0.2) ** 2) / 0.3)
    return picture * lit if s % 10 < 5 else picture  # noqa: PLR2004  five seconds on, five off


def _close_person(picture: Light, s: float, width: float) -> Light:
    """A textured body that fills nearly all of the picture and sways."""
    rows, columns = picture.shape
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32) / np.float32(width)
    sway = 0.12 * np.sin(2.2 * s)
    body = 90 + 40 * np.sin((xs + sway) * 23) * np.sin((ys + sway / 2) * 17)
    shape = (np.abs(xs - 0.5 - sway) < 0.46) & (ys > 0.02)  # noqa: PLR2004
    return np.where(shape, body, picture).astype(np.float32) if s < 12 else picture  # noqa: PLR2004  then gone


def _lorry(picture: Light, s: float, width: float) -> Light:
    """A wall with windows that drives past within six seconds, at times over nine tenths of the picture."""
    rows, columns = picture.shape
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32) / np.float32(width)
    place = xs - (s / 6 * 2.4 - 1.2)
    wall = np.where(np.sin(place * 40) * np.sin(ys * 30) > 0.6, 60, 200)  # noqa: PLR2004
    return np.where((place > 0) & (place < 1.1) & (ys > 0.02), wall, picture).astype(np.float32)  # noqa: PLR2004


TAMPERINGS: Final = (
    Tampering("black", _black, QUICK_S, (Cause.BLACK,)),
    Tampering("black cloth", _cover(1.0, 30), QUICK_S, (Cause.BLACK, Cause.COVERED)),
    Tampering("grey tape", _cover(1.0, 120), QUICK_S, (Cause.COVERED,)),
    Tampering("glare", _glare, QUICK_S, (Cause.GLARE,)),
    Tampering("cover of 80 %", _cover(0.8, 60), SLOW_S, (Cause.COVERED, Cause.MOVED)),
    Tampering("cover of 90 % from the left", _cover(0.9, 150, from_left=True), SLOW_S, (Cause.COVERED, Cause.MOVED)),
    Tampering("blur of 1 %", _blur(0.01), SLOW_S, (Cause.DEFOCUSED,)),
    Tampering("blur of 4 %", _blur(0.04), SLOW_S, (Cause.DEFOCUSED, Cause.COVERED)),
    Tampering("turned by 10 %", _shift(0.10), TURNED_S, (Cause.MOVED,)),
    Tampering("turned by 25 % and tilted", _shift(-0.25, 0.1), TURNED_S, (Cause.MOVED,)),
    Tampering("turned by 60 %", _shift(0.6), TURNED_S, (Cause.MOVED,)),
    Tampering("frozen", _same, SLOW_S, (Cause.FROZEN,), freezes=True),
)
HARMLESS: Final = (
    Tampering("nothing", _same, None, lasts_s=30),
    Tampering("night falls", _night, None, lasts_s=140),
    Tampering("a lamp goes on and off", _lamp, None, lasts_s=40),
    Tampering("somebody close to the lens", _close_person, None, lasts_s=20),
    Tampering("a lorry passes", _lorry, None, lasts_s=12),
)


@dataclass(frozen=True, slots=True)
class WatchResult:
    """The first cause that the watch raised, and how long after the effect began; None when it stayed silent."""

    cause: Cause | None
    after_s: float | None
    too_early: bool

    def is_right(self, tampering: Tampering) -> bool:
        """Whether the watch raised what it should have."""
        if self.too_early or tampering.within_s is None:
            return self.cause is None and not self.too_early
        return self.cause in tampering.causes and self.after_s is not None and self.after_s <= tampering.within_s


def sampled(path: Path, fps: float, most: int = 600) -> list[Grey]:
    """Luma of a clip's pictures, at most `fps` a second and `most` in all, uint8 (180, 320).

    Raises:
        CameraLost: the clip cannot be read.
    """
    taken: list[Grey] = []
    due_ns = 0
    for each in all_pictures(open_clip(path)):
        if each.position_ns >= due_ns:
            due_ns = each.position_ns + round(NS_PER_S / fps) - NS_PER_MS
            taken.append(np.asarray(cv2.resize(each.picture.luma, _SIZE, interpolation=cv2.INTER_AREA), np.uint8))
        if len(taken) == most:
            break
    return taken


def pictures(clip: Sequence[Grey], tampering: Tampering, fps: float) -> Iterator[tuple[float, Grey]]:
    """Seconds and picture: the clip over and over, with the effect from `BEGINS_S` on."""
    rng = np.random.default_rng(0)
    width = float(clip[0].shape[1])
    frozen: Grey | None = None
    for i in range(round((BEGINS_S + tampering.lasts_s) * fps)):
        at_s = i / fps
        if frozen is None:
            light = clip[i % len(clip)].astype(np.float32)
            if at_s >= BEGINS_S:
                light = tampering.effect(light, at_s - BEGINS_S, width)
            noise = rng.standard_normal(light.shape, np.float32) * np.float32(_NOISE)
            picture = np.asarray(np.clip(light + noise, 0, 255), np.uint8)
            if tampering.freezes and at_s >= BEGINS_S:
                frozen = picture
        yield at_s, picture


def try_out(clip: Sequence[Grey], tampering: Tampering, fps: float) -> WatchResult:
    """What the watch raises on a clip that is tampered with; it is shown `fps` pictures per second."""
    watch = TamperWatch()
    for at_s, picture in pictures(clip, tampering, fps):
        cause = watch.update(picture, MonotonicNs(round((1 + at_s) * NS_PER_S))).cause
        if cause is not None:
            return WatchResult(cause, at_s - BEGINS_S, at_s < BEGINS_S)
    return WatchResult(None, None, too_early=False)


def main(argv: Sequence[str]) -> int:
    """Print a table of all cases over all clips. 2 when a clip cannot be read, 3 when a case went wrong."""
    parser = argparse.ArgumentParser(
        prog="smartcam tampering",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="footage that nobody tampers with")
    try:
        samples = [sampled(clip, _PACE) for clip in parser.parse_args(argv).clips]
    except CameraLost as error:
        return complain("tampering", error, 2)
    right = 0
    print(f"{len(samples)} clips, {_PACE:g} pictures a second; seconds until it was raised")
    for tampering in (*TAMPERINGS, *HARMLESS):
        outcomes = [try_out(sample, tampering, _PACE) for sample in samples]
        right += sum(outcome.is_right(tampering) for outcome in outcomes)
        print(row(tampering, outcomes), flush=True)
    cases = len(samples) * len((*TAMPERINGS, *HARMLESS))
    print(f"{right} of {cases} cases right")
    return 0 if right == cases else 3


def row(tampering: Tampering, outcomes: Sequence[WatchResult]) -> str:
    """One case over all clips."""
    times = [outcome.after_s for outcome in outcomes if outcome.after_s is not None]
    limit = "never" if tampering.within_s is None else f"within {tampering.within_s:g} s"
    delays = f"median {median(times):.1f}, most {max(times):.1f}" if times else ""
    wrong = sum(not outcome.is_right(tampering) for outcome in outcomes)
    fault = f"   {wrong} WRONG" if wrong else ""
    return f"{tampering.name:28}{limit:14}raised {len(times)} of {len(outcomes)}   {delays}{fault}".rstrip()
