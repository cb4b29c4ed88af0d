"""What users complain of most raises no event: gate and analysis together, with a detector that sees nothing."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from measure import probe
from smartcam.contract.event import Event
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.settings import AnalysisSettings
from smartcam.vision.frame import Frame
from smartcam.vision.motion import MotionGate, MotionSettings
from smartcam.vision.picture import Picture
from tests.unit.inference.stage import YARD, maker, object_model, seen

Light = NDArray[np.float32]
Scene = Callable[[Light, int], Light]
FPS, FRAMES, QUIET = 10, 240, 40
EVERYWHERE = (PixelBox(0, 0, probe.WIDTH, probe.HEIGHT),)
COLOUR = np.full((probe.HEIGHT // 2, probe.WIDTH // 2), 128, np.uint8)
_rng = np.random.default_rng(5)
LEAVES = [
    (
        int(_rng.integers(380, 620)),
        int(_rng.integers(20, 260)),
        int(_rng.integers(6, 22)),
        float(_rng.uniform(40, 180)),
        float(_rng.uniform(0, 6)),
    )
    for _ in range(60)
]
SKIN = np.clip(
    cv2.resize(
        np.random.default_rng(3).uniform(20, 230, (9, 9)).astype(np.float32), (100, 90), interpolation=cv2.INTER_CUBIC
    ),
    0,
    255,
)


def leaves(reach: float, hertz: float) -> Scene:
    def sway(still: Light, i: int) -> Light:
        moved, turn = still.copy(), 2 * np.pi * hertz * i / FPS
        for x, y, radius, grey, late in LEAVES:
            across, down = reach * np.sin(turn + 0.3 * late), 0.4 * reach * np.sin(1.3 * turn + late)
            cv2.circle(moved, (int(x + across), int(y + down)), radius, (grey,), -1)
        return moved

    return sway


def gust(still: Light, i: int) -> Light:
    return leaves(30 if 100 <= i < 180 else 1, 0.5)(still, i)


def tree_shadow(still: Light, i: int) -> Light:
    mask, turn = np.zeros_like(still), 2 * np.pi * 0.4 * i / FPS
    for x, y, radius, _, late in LEAVES:
        cv2.circle(mask, (int(x - 150 + 14 * np.sin(turn + 0.2 * late)), y + 180), radius, (1.0,), -1)
    return still * (1 - np.float32(0.4) * np.asarray(cv2.GaussianBlur(mask, (0, 0), 2), np.float32))


def shadow(left: float, width: int, height: int, speed: float, soft: float = 0.0) -> Scene:
    def fall(still: Light, i: int) -> Light:
        mask = np.zeros_like(still)
        x = -width + speed * max(i - QUIET, 0)
        cv2.rectangle(mask, (int(x), 200), (int(x + width), 200 + height), (1.0,), -1)
        if soft:
            mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.float32)
        return still * (1 - np.float32(1 - left) * mask)

    return fall


def passer_by(speed: float, width: int, height: int) -> Scene:
    skin = np.asarray(cv2.resize(SKIN, (width, height)), np.float32)

    def walk(still: Light, i: int) -> Light:
        moved = still.copy()
        x = int(-width + speed * max(i - QUIET, 0))
        left, right = max(x, 0), min(x + width, probe.WIDTH)
        if right > left:
            moved[180 : 180 + height, left:right] = skin[:, left - x : right - x]
        return moved

    return walk


def of_the_probe(name: str) -> Scene:
    scene, rng = probe.SCENES[name], np.random.default_rng(0)
    return lambda still, i: scene.effect(still, i, rng)


def parked_car_and_passer_by(still: Light, i: int) -> Light:
    """A car comes and parks; two minutes later somebody walks by in front of it."""
    parked = passer_by(8, 180, 120)(still, min(i, QUIET + 50))
    return passer_by(6, 90, 100)(parked, i - 1200)


def events(scene: Scene, background: int, frames: int = FRAMES) -> list[Event]:
    """What is raised, with the device's defaults."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, probe.NOISE, (8, probe.HEIGHT, probe.WIDTH)).astype(np.float32)
    still = probe.background(background).astype(np.float32)
    gate = MotionGate(MotionSettings(frames_per_second=FPS))
    analysis = ObjectAnalysis(object_model([seen(looked_at=EVERYWHERE)]), maker(), AnalysisSettings())
    raised = []
    for i in range(frames):
        grey = np.asarray(np.clip(scene(still, i) + noise[rng.integers(8)], 0, 255), np.uint8)
        motion = gate.update(grey)
        if i % 2:
            continue
        at = i * NS_PER_S // FPS
        frame = Frame(YARD, i, UtcNs(10**18 + at), MonotonicNs(10**9 + at), at, Picture(grey, COLOUR, COLOUR), motion)
        raised += [change.event for change in analysis.update(frame) if change.event is not None]
    return [event for event in raised if event.ended_at is None]


NUISANCES = {
    "cloud": of_the_probe("cloud"),
    "insect": of_the_probe("insect"),
    "lamp": of_the_probe("lamp"),
    "rain": of_the_probe("rain"),
    "leaves in a breeze": leaves(6, 0.7),
    "leaves in the wind": leaves(25, 0.35),
    "a gust": gust,
    "a tree's shadow": tree_shadow,
    "a hard shadow": shadow(0.6, 150, 120, 6),
    "a soft shadow": shadow(0.75, 200, 150, 5, 8),
    "a dark and large shadow": shadow(0.52, 250, 200, 7),
}


@pytest.mark.parametrize("name", NUISANCES)
def test_what_goes_nowhere_or_is_nothing_raises_no_event(name: str) -> None:
    assert events(NUISANCES[name], 1 + sorted(NUISANCES).index(name) % 3) == []


@pytest.mark.parametrize(
    ("name", "scene"),
    [
        ("somebody from above", passer_by(5, 100, 90)),
        ("somebody slow", passer_by(3.5, 100, 90)),
        ("a car from above", passer_by(9, 200, 150)),
    ],
)
def test_what_is_large_and_goes_somewhere_raises_one_motion_event(name: str, scene: Scene) -> None:
    raised = events(scene, 1 + len(name) % 3)
    assert [(str(event.kind), event.cause) for event in raised] == [("motion", "motion")]


def test_a_car_that_parks_raises_once_and_so_does_who_passes_in_front_of_it() -> None:
    raised = events(parked_car_and_passer_by, 2, 1450)
    assert [str(event.kind) for event in raised] == ["motion"] * 2
    came, passed = (event.started_at - 10**18 for event in raised)
    assert came < 10 * NS_PER_S
    assert passed > 124 * NS_PER_S
