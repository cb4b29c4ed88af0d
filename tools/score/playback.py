"""Plays a clip through the device's own code on a simulated clock, as fast as it goes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from smartcam.capture.frame_selector import FrameSelector
from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.clip import Clip
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.event import Event
from smartcam.contract.ids import RANDOM_BYTES_OF_AN_EVENT_ID, CameraId, EventId, ThingName, new_event_id
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.analysers import AnalysisSetup, lasting_analyses, model_analyses
from smartcam.inference.analysis.analysis import Model, SceneModel
from smartcam.inference.analysis.places import corners
from smartcam.inference.camera import Camera
from smartcam.inference.events import EventMaker
from smartcam.inference.settings import InferenceSettings
from smartcam.model.scoring import AnomalyScore, AnomalyScorer, Detections, Detector
from smartcam.vision.corners import Corners
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tools.score.detections import CachedDetector, Store
from tools.score.intervals import ScoreError
from tools.score.targets import SeenEvent
from tools.stopwatch import Stopwatch

BEGIN: Final = UtcNs(1_772_366_400 * NS_PER_S)
"""The simulated clock begins at 2026-03-01T12:00:00Z; nothing depends on it."""
CAMERA: Final = CameraId("score")
_USUAL_RATE: Final = 25.0


@dataclass(frozen=True, slots=True)
class Scored:
    """The anomaly score of one announced picture, at a second of the clip."""

    at_s: float
    score: float


@dataclass(frozen=True, slots=True)
class Playback:
    """What playing a clip gave.

    `starts_s`: the position of each picture that was read, `seconds`: the end of the last one. `ms_per_frame`: CPU
    milliseconds by stage, per picture that was read. `recalled`: how many times the detections came from the cache.
    """

    frames_analysed: int
    starts_s: tuple[float, ...]
    seconds: float
    events: tuple[SeenEvent, ...]
    scores: tuple[Scored, ...]
    ms_per_frame: dict[str, float]
    recalled: int = 0

    @property
    def frames_read(self) -> int:
        """How many pictures the clip has."""
        return len(self.starts_s)


@dataclass(slots=True)
class _RecordingScorer:
    """Keeps the scores that the analysis used, and the time that they took."""

    scorer: AnomalyScorer
    watch: Stopwatch
    scores: list[float] = field(default_factory=list)

    def score(self, pictures: Sequence[Picture]) -> AnomalyScore:
        with self.watch.stage("model"):
            score = self.scorer.score(pictures)
        self.scores.append(float(score))
        return score


@dataclass(frozen=True, slots=True)
class _TimedDetector:
    """Keeps the time that the detector takes apart from the rest of the analysis."""

    detector: Detector
    watch: Stopwatch

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        with self.watch.stage("model"):
            return self.detector.detect(picture, regions)


def play(
    clip: Path,
    model: Model,
    capture: SourceSettings,
    settings: InferenceSettings,
    *,
    store: Store | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Playback:
    """The events that the device would raise on a clip.

    The same gate, the same choice of frames and the same analysis as on the device; only the ring, the bus and the
    outbox are left out, and no frame is dropped, because the simulated clock waits. `store` has detections of earlier
    runs and takes those of this one; `tick` is called for each picture.

    Raises:
        ScoreError: the clip cannot be played.
    """
    try:
        source = open_clip(clip)
    except CameraLost as error:
        raise ScoreError(f"clip {error}") from error
    try:
        return _Player(source, model, capture, settings, store).play(tick)
    finally:
        source.close()


def play_open(
    clip: Clip, model: Model, capture: SourceSettings, settings: InferenceSettings, watch: Stopwatch | None = None
) -> Playback:
    """The same for an open clip; `watch` times the stages. Raises ScoreError as `play` does."""
    return _Player(clip, model, capture, settings, watch=watch).play()


class _Player:
    """One clip from beginning to end."""

    def __init__(
        self,
        clip: Clip,
        model: Model,
        capture: SourceSettings,
        settings: InferenceSettings,
        store: Store | None = None,
        watch: Stopwatch | None = None,
    ) -> None:
        self._clip = clip
        self._fps = clip.frames_per_second or _USUAL_RATE
        self._selector = FrameSelector(capture, self._fps)
        self._recorder: _RecordingScorer | None = None
        self._cached: CachedDetector | None = None
        self._watch = watch or Stopwatch()
        if isinstance(model, SceneModel):
            self._recorder = _RecordingScorer(model.scorer, self._watch)
            model = replace(model, scorer=self._recorder)
        else:
            detector: Detector = _TimedDetector(model.detector, self._watch)
            if store is not None:
                detector = self._cached = CachedDetector(detector, store, model.manifest)
            model = replace(model, detector=detector)
        maker = EventMaker(ThingName("score"), CAMERA, settings.event_valid_s, counted_ids(), lambda: True)
        setup = AnalysisSetup(maker, settings.camera(CAMERA))
        self._camera = Camera(lasting_analyses(setup), model_analyses(setup, model), shared=setup.shared)
        self._begun: dict[EventId, Event] = {}
        self._ended: dict[EventId, Event] = {}
        self._raised_at: dict[EventId, Corners | None] = {}
        self._renamed: set[EventId] = set()
        self._analysed_at_s: list[float] = []

    def play(self, tick: Callable[[], object] = lambda: None) -> Playback:
        starts_s: list[float] = []
        position_ns = 0
        while True:
            try:
                with self._watch.stage("decode"):
                    taken = self._clip.next()
            except CameraEnded:
                break
            except CameraLost as error:
                raise ScoreError(f"clip {error}") from error
            position_ns = taken.position_ns
            starts_s.append(position_ns / NS_PER_S)
            with self._watch.stage("gate"):
                seen = self._selector.select(taken.picture, position_ns)
            tick()
            if self._cached is not None:
                self._cached.number = len(starts_s) - 1
            if seen.picture is not None:
                self._analyse(seen.picture, position_ns, seen.motion)
        end_ns = position_ns + round(NS_PER_S / self._fps)
        self._keep(change.event for change in self._camera.end(UtcNs(BEGIN + end_ns)))
        scores = [] if self._recorder is None else self._recorder.scores
        return Playback(
            frames_analysed=len(self._analysed_at_s),
            starts_s=tuple(starts_s),
            seconds=end_ns / NS_PER_S,
            events=tuple(self._seen(event) for event in self._begun.values()),
            scores=tuple(Scored(at_s, score) for at_s, score in zip(self._analysed_at_s, scores, strict=False)),
            ms_per_frame=self._watch.per_frame(len(starts_s)),
            recalled=0 if self._cached is None else self._cached.recalled,
        )

    def _analyse(self, picture: Picture, position_ns: int, motion: tuple[PixelBox, ...]) -> None:
        self._analysed_at_s.append(position_ns / NS_PER_S)
        frame = Frame(
            camera_id=CAMERA,
            seq=len(self._analysed_at_s),
            captured_at=UtcNs(BEGIN + position_ns),
            captured_mono=MonotonicNs(NS_PER_S + position_ns),
            position_ns=position_ns,
            picture=picture,
            motion=motion,
        )
        with self._watch.stage("analyse"):
            changes = list(self._camera.update(frame))
        self._keep(change.event for change in changes)

    def _keep(self, events: Iterable[Event | None]) -> None:
        for event in events:
            if event is None:
                continue
            if event.ended_at is not None:
                self._ended[event.event_id] = event
            elif event.event_id in self._begun:
                self._begun[event.event_id] = event
                self._renamed.add(event.event_id)
            else:
                self._begun[event.event_id] = event
                self._raised_at[event.event_id] = None if event.box is None else corners(event.box)

    def _seen(self, event: Event) -> SeenEvent:
        end = self._ended.get(event.event_id)
        return SeenEvent(
            kind=event.kind,
            start_s=(event.started_at - BEGIN) / NS_PER_S,
            end_s=None if end is None or end.ended_at is None else (end.ended_at - BEGIN) / NS_PER_S,
            score=event.score if end is None else end.score,
            label=event.label,
            rule=event.rule,
            cause=event.cause,
            box=self._raised_at[event.event_id],
            renamed=event.event_id in self._renamed,
        )


def counted_ids() -> Callable[[UtcNs], EventId]:
    """Ids that are the same in every run."""
    given = 0

    def next_id(at: UtcNs) -> EventId:
        nonlocal given
        given += 1
        return new_event_id(at, given.to_bytes(RANDOM_BYTES_OF_AN_EVENT_ID))

    return next_id
