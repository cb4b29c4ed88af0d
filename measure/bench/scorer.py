"""What our code adds to a bare call of the model."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.detector import RegionDetector
from smartcam.model.interpreter import open_interpreter
from smartcam.vision.picture import Picture

_ROUNDS: Final = 15
_LEAST_ROUND_NS: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class ScorerFigures:
    """CPU milliseconds: the bare model, its head (RGB to an answer), and the analyser (a 720p picture to an answer)."""

    model: str
    bare_ms: float
    wrapped_ms: float
    from_picture_ms: float


def measure_scorer(bundle_folder: Path, picture: Picture) -> ScorerFigures:
    """Rounds of each in turn; medians. Raises ModelIntegrityError for a bundle that is none."""
    bundle = ModelBundle.open(bundle_folder)
    analyser = analyser_of(bundle)
    bare = open_interpreter((bundle_folder / bundle.manifest.model_file).read_bytes())
    tensor = np.zeros(bare.input.shape, bare.input.dtype)
    spec = bundle.manifest.input
    rgb = np.zeros((spec.height, spec.width, 3), np.uint8)
    calls: dict[str, Callable[[], object]] = {
        "bare": lambda: bare.invoke(tensor),
        "wrapped": lambda: bundle.head.infer(rgb),
        "from_picture": (lambda: analyser.detect(picture, ()))
        if isinstance(analyser, RegionDetector)
        else (lambda: analyser.score([picture])),
    }
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    times = {name: _times_for(call) for name, call in calls.items()}
    for _ in range(_ROUNDS):
        for name, call in calls.items():
            begun = time.thread_time_ns()
            for _ in range(times[name]):
                call()
            rounds[name].append((time.thread_time_ns() - begun) / times[name] / 1e6)
    figures = {name: median(values) for name, values in rounds.items()}
    return ScorerFigures(bundle.manifest.name, figures["bare"], figures["wrapped"], figures["from_picture"])


def _times_for(call: Callable[[], object]) -> int:
    """How often to call in a round, so that a round is long compared with the clock's resolution."""
    call()
    begun = time.thread_time_ns()
    call()
    spent = max(time.thread_time_ns() - begun, 1)
    return max(_LEAST_ROUND_NS // spent, 1)
