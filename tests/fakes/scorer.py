"""Analysers that say what they are told to, and remember what they were asked."""

from collections.abc import Sequence

from smartcam.contract.notice import PixelBox
from smartcam.model.scoring import AnomalyScore, Detections
from smartcam.vision.picture import Picture


class FakeDetector:
    """Gives its detections one after another; the last one for ever."""

    def __init__(self, script: Sequence[Detections]) -> None:
        self._script = list(script)
        self.calls: list[tuple[Picture, tuple[PixelBox, ...]]] = []

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        self.calls.append((picture, tuple(regions)))
        return self._script[min(len(self.calls), len(self._script)) - 1]


class FakeScorer:
    """Gives its scores one after another; the last one for ever."""

    def __init__(self, scores: Sequence[float]) -> None:
        self._scores = list(scores)
        self.calls: list[tuple[Picture, ...]] = []

    def score(self, pictures: Sequence[Picture]) -> AnomalyScore:
        if not pictures:
            raise ValueError("needs at least one picture")
        self.calls.append(tuple(pictures))
        return AnomalyScore(self._scores[min(len(self.calls), len(self._scores)) - 1])
