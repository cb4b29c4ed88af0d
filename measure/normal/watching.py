"""A learner's days in a yard: looks are drawn once and kept, and shown to it as a device shows them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from measure.normal.days import DAY_S, STILL_S, YardDay
from measure.normal.footage import ClipLooks, looks_of
from measure.normal.judging import GAP_S
from smartcam.model.looks import Eye
from smartcam.vision.normal.learner import LEARN_EVERY_S, SceneLearner
from smartcam.vision.normal.look import SceneLook
from smartcam.vision.picture import Picture


@dataclass(frozen=True, slots=True, eq=False)
class DayLooks:
    """The looks of one day and the seconds of the day at which they were taken, rising."""

    times: NDArray[np.float64]
    looks: ClipLooks

    def held(self) -> Iterator[tuple[float, SceneLook]]:
        """Each look at its time, and again until the next: a still picture goes on being a picture."""
        ends_s = [*self.times[1:].tolist(), min(DAY_S, self.times[-1] + STILL_S)]
        for at_s, end_s, look in zip(self.times.tolist(), ends_s, self.looks, strict=True):
            for again in range(max(1, int(np.ceil((end_s - at_s) / LEARN_EVERY_S)))):
                yield at_s + again * LEARN_EVERY_S, look


@dataclass(slots=True)
class WatchedDay:
    """What came of a day: when an episode began, and each score with its time."""

    raised: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def each_second(self) -> NDArray[np.float64]:
        """The score of the last look before each second of the day, 0 before the first: as a camera's frames come.

        Looks are taken more often where something moves, and would count for more than they last.
        """
        seen = np.searchsorted(self.times, np.arange(DAY_S), side="right")
        return np.concatenate([[0.0], self.scores])[seen]


class YardWatch:
    """A learner that is shown one day after another, with the episodes that its device would raise."""

    def __init__(self, learner: SceneLearner) -> None:
        self.learner = learner
        self._days = 0
        self._episodes = 0
        self._unusual_s = -GAP_S

    def show(self, day: DayLooks) -> WatchedDay:
        """Show it the next day, whatever its number."""
        came = WatchedDay()
        begins_s = self._days * DAY_S
        self._days += 1
        for at_s, look in day.held():
            now_s = begins_s + at_s
            is_on = now_s - self._unusual_s < GAP_S
            judged = self.learner.see(look, now_s, int(now_s // 60), str(self._episodes) if is_on else None)
            if judged.unusual:
                if not is_on:
                    self._episodes += 1
                    came.raised.append(at_s)
                self._unusual_s = now_s
            came.times.append(at_s)
            came.scores.append(judged.score)
        return came


def drawn_looks(day: YardDay, eye: Eye) -> DayLooks:
    """Draw a day."""
    times = day.moments()
    pictures = (Picture.from_bgr(day.picture(at_s)) for at_s in times.tolist())
    return DayLooks(times, looks_of(eye, pictures, 0.0))


def kept_day(day: YardDay, eye: Eye, model: bytes, cache: Path) -> DayLooks:
    """The looks of a day, from the cache if this encoder has seen this very day before."""
    kept = cache / f"day-{hashlib.sha256(model + repr(day).encode()).hexdigest()[:16]}.npz"
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as stored:
            looks = ClipLooks(stored["features"], stored["light"], stored["infrared"], 0.0)
            return DayLooks(stored["times"], looks)
    drawn = drawn_looks(day, eye)
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".unfinished.npz")
    looks = drawn.looks
    np.savez(unfinished, times=drawn.times, features=looks.features, light=looks.light, infrared=looks.infrared)
    unfinished.replace(kept)
    return drawn
