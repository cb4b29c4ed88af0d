"""The tracker with as many objects as a busy square has."""

import time
from statistics import median
from typing import Final

import numpy as np

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs
from smartcam.vision.track import Sighting, Tracker

OBJECTS: Final = 50
_UPDATES: Final = 200
_WARM_UP: Final = 20
_UPDATES_PER_SECOND: Final = 5


def measure_crowd() -> float:
    """Milliseconds of CPU time of one tracker update with fifty walking objects, the median of many."""
    random = np.random.default_rng(0)
    tracker = Tracker()
    corners, sizes = random.uniform(0, 0.9, (OBJECTS, 2)), random.uniform(0.03, 0.1, (OBJECTS, 2))
    speeds = random.uniform(-0.01, 0.01, (OBJECTS, 2))
    spent = []
    for number in range(_UPDATES):
        corners = np.clip(corners + speeds, 0, 0.95)
        boxes = [(x1, y1, x2, y2) for x1, y1, x2, y2 in np.hstack([corners, corners + sizes]).tolist()]
        scores = random.uniform(0.3, 0.9, OBJECTS).tolist()
        found = [Sighting(box, score, EventKind.PERSON, "person") for box, score in zip(boxes, scores, strict=True)]
        begun = time.thread_time_ns()
        tracker.step(MonotonicNs(number * NS_PER_S // _UPDATES_PER_SECOND), found, boxes[: OBJECTS // 10])
        spent.append(time.thread_time_ns() - begun)
    return median(spent[_WARM_UP:]) / NS_PER_MS
