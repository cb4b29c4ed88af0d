"""Plays films to the device's own learner, one after another, on a clock of their own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from smartcam.capture.frame_selector import FrameSelector
from smartcam.capture.settings import SourceSettings
from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import EventId, ThingName
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.learned import LearnedScene
from smartcam.inference.analysis.normal import NormalAnalysis
from smartcam.inference.analysis.places import corners
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.inference.analysis.tamper import TamperAnalysis
from smartcam.inference.camera import Camera
from smartcam.inference.events import Change, EventMaker
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.model.encoder import PlaceEncoder
from smartcam.model.looks import Eye
from smartcam.vision.frame import Frame
from smartcam.vision.normal.calibration import Minutes, Promise
from smartcam.vision.normal.learner import Judgement, LearnerProgress, LearningPlan
from smartcam.vision.normal.look import Regime, SceneLook
from smartcam.vision.normal.usual import FEWEST_SPANS, SPAN_S
from smartcam.vision.normal.watched import WatchedMinutes
from smartcam.vision.picture import Picture
from tools.normal.footage import SceneFilm, Tell
from tools.score.intervals import ScoreError
from tools.score.playback import BEGIN, CAMERA, counted_ids
from tools.score.stills import framed_jpeg
from training.footage.film import FilmUnusable, Shot, Visit

BREAK_S: Final = 180.0
"""Between two clips, which the learner then takes for a gap."""
SHORT_S: Final = 120.0
"""Clips that are shorter follow one another without a break: after each one the learner looks for a while only."""
_BEGIN_S: Final = 1000.0
_SAME_SHAPE: Final = 0.02
MOST_PICTURES: Final = 12
_APART_S: Final = 60.0
_MOST_REHEARSED: Final = 4000
"""Looks of footage that is too short, about an hour: 100 MB."""
_FEWEST_LOOKS: Final = 100
_MOST_PASSES: Final = 400
_WITHHELD: Final = EventId("withheld")
_MINUTE_S: Final = 60.0
_GOES_ON: Final = -1.0


@dataclass(frozen=True, slots=True)
class JudgedLook:
    """What the learner said of a clip's picture at a second; `score` is its own, above 0 without an end."""

    at_s: float
    score: float


@dataclass(slots=True)
class SceneAlert:
    """An event that the device would raise; times are seconds of its clip, and it may end after that."""

    at_s: float
    end_s: float
    score: float
    reason: str
    box: NormalBox | None


@dataclass(frozen=True, slots=True)
class OddPicture:
    """A picture, as a JPEG with what is unusual framed, if anything is."""

    clip: str
    at_s: float
    score: float
    reason: str
    jpeg: bytes


@dataclass(slots=True)
class PlayedClip:
    """What playing a clip gave.

    `at_s` and `odd` are of each picture that was read: when, and whether its labels say that something is odd; None:
    nobody can say.
    """

    name: str
    visits: tuple[Visit, ...]
    seconds: float = 0.0
    at_s: list[float] = field(default_factory=list)
    odd: list[bool | None] = field(default_factory=list)
    looks: list[JudgedLook] = field(default_factory=list)
    alerts: list[SceneAlert] = field(default_factory=list)


class RememberingEye(Eye):
    """Keeps the last look."""

    last: SceneLook | None = None

    def look(self, picture: Picture, before: Regime | None) -> SceneLook:
        """See `Eye`."""
        self.last = super().look(picture, before)
        return self.last


class RecordingScene(LearnedScene):
    """A scene that says what it has judged, and does not learn what is withheld."""

    def __init__(self, plan: LearningPlan, eye: RememberingEye) -> None:
        super().__init__(CAMERA, plan, eye, None)
        self.judged: Judgement | None = None
        self.looks = 0
        self.views = 1
        self.is_withheld = False
        """Labels say that what is seen now is odd, or may be: it is neither learnt nor counted."""
        self._seen_by = eye
        self._rehearsed: list[tuple[float, SceneLook]] = []

    @property
    def progress(self) -> LearnerProgress:
        """How far it has come."""
        return self._learner.progress

    @property
    def budget(self) -> float:
        """Alerts a day."""
        return self._learner.plan.budget

    @property
    def width(self) -> int:
        """Numbers of a place."""
        return self._learner.width

    @property
    def promised(self) -> Promise | None:
        """The threshold of now, and what it is worth."""
        return self._learner.promise

    @property
    def hours_until_judging(self) -> float:
        """How much longer it must watch until any look gets a score."""
        needed_s = self._learner.plan.memory_s + FEWEST_SPANS * SPAN_S
        return max(needed_s - max(known.seconds for known in self._learner.known.values()), 0.0) / 3600

    @property
    def judges(self) -> bool:
        """Whether looks get a score."""
        return any(known.usual.known for known in self._learner.known.values())

    @property
    def minutes(self) -> Minutes:
        """The watched minutes with the scores that they have by what is usual today."""
        return self._learner.minutes.scored(
            {regime: known.usual.reach for regime, known in self._learner.known.items()}
        )

    def see(self, frame: Frame, event: EventId | None) -> Judgement:
        """See `LearnedScene`."""
        self.looks += 1
        self.judged = super().see(frame, _WITHHELD if self.is_withheld else event)
        if self.is_withheld:
            # As if a person had called it true: no odd minute is behind a threshold.
            self._learner.verdict(_WITHHELD, true=True)
        elif len(self._rehearsed) < _MOST_REHEARSED and self._seen_by.last is not None:
            self._rehearsed.append((frame.captured_mono / NS_PER_S, self._seen_by.last))
        return self.judged

    def count_raised(self) -> None:
        """What is raised here is no business of the device's: it begins with nothing raised."""

    def plan(self, plan: LearningPlan) -> None:
        """It keeps its own, which is another one while it rehearses and is tested."""

    def begin_again(self, reason: str) -> None:
        """See `LearnedScene`."""
        super().begin_again(reason)
        self.views += 1
        self._rehearsed = []

    def calibrate(self) -> None:
        """Find the threshold by all that was watched."""
        self._learner.calibrate()

    def begin_watching(self) -> None:
        """Judge from now on, however short a time it has watched."""
        self._learner.plan = replace(self._learner.plan, silent_s=0.0)

    def rehearse(self, at_s: float) -> tuple[int, float]:
        """Shows itself what it saw, again and again from this time on, until it judges; then once more, to calibrate.

        For footage that is shorter than the learner takes. Returns how many times, and the time afterwards.

        Raises:
            ScoreError: there is too little of it for even that.
        """
        if len(self._rehearsed) < _FEWEST_LOOKS:
            raise ScoreError(f"{len(self._rehearsed)} looks are too few to learn from: give two minutes at least")
        # All of it is normal: nothing in it is to be unusual, which would not be learnt.
        self._learner.plan = replace(self._learner.plan, memory_s=0.0, silent_s=math.inf)
        passes = 0
        while not self.judges and passes < _MOST_PASSES:
            at_s, passes = self._shown_again(at_s), passes + 1
        self._learner.minutes = WatchedMinutes.none()
        at_s = self._shown_again(at_s)
        self._learner.calibrate()
        return passes + 1, at_s

    def _shown_again(self, at_s: float) -> float:
        times = [at for at, _ in self._rehearsed]
        since_s = (self._since or 0) / NS_PER_S
        steps = [1.0, *(later - earlier for earlier, later in pairwise(times))]
        for step_s, (_, look) in zip(steps, self._rehearsed, strict=True):
            at_s += step_s
            self._minute = self._first + int(max(at_s - since_s, 0.0) // _MINUTE_S)
            self._learner.see(look, at_s, self._minute)
        return at_s


class ScenePlayer:
    """One camera that is shown films; the same gate, tamper watch and learner as on the device. No frame is dropped."""

    def __init__(
        self, plan: LearningPlan, capture: SourceSettings, encoder: PlaceEncoder | None, tell: Tell = lambda _: None
    ) -> None:
        """`capture` says how pictures are turned, and how often they are looked at."""
        self.scene = RecordingScene(plan, RememberingEye(encoder))
        self.pictures: list[OddPicture] = []
        """The most unusual ones, the most unusual first."""
        self.tell = tell
        self._capture = capture
        settings = AnalysisSettings(normal=True, alerts_a_day=plan.budget)
        valid_s = InferenceSettings().event_valid_s
        maker = EventMaker(ThingName("normal"), CAMERA, valid_s, counted_ids(), lambda: True)
        shared = SharedKnowledge()
        self._analysis = NormalAnalysis(maker, settings, shared, None, plan, lambda: None, lambda *_: self.scene)
        self._camera = Camera([TamperAnalysis(maker, settings, None, shared), self._analysis], shared=shared)
        self._now_s = _BEGIN_S
        self._background = b""
        self._shape: tuple[float, str] | None = None
        self._raised: dict[EventId, SceneAlert | None] = {}
        """What was raised; None if it was on when its clip ended."""

    def play(self, film: SceneFilm, tick: Callable[[float], object] = lambda _: None) -> PlayedClip:
        """Shows a film. `tick` is told the second of each picture.

        Raises:
            ScoreError: its pictures are not those of the camera of the films before, or the learner fails.
        """
        clip = PlayedClip(film.name, film.visits)
        selector = FrameSelector(self._capture, film.rate, self._background)
        try:
            for shot in film.shots():
                self._check_shape(film.name, shot.picture)
                clip.at_s.append(shot.at_s)
                clip.odd.append(shot.shows)
                seen = selector.select(shot.picture, round(shot.at_s * NS_PER_S))
                if seen.picture is not None:
                    self._look(clip, shot, seen.picture, seen.motion)
                tick(shot.at_s)
        except FilmUnusable as error:
            self.tell(f"{film.name}: {error}")
        clip.seconds = clip.at_s[-1] + 1 / film.rate if clip.at_s else 0.0
        for event, alert in self._raised.items():
            if alert is not None and alert.end_s < 0:
                alert.end_s, self._raised[event] = clip.seconds, None
        self._background = selector.remember()
        self._now_s += clip.seconds + (BREAK_S if clip.seconds >= SHORT_S else 0.0)
        self.scene.is_withheld = False
        return clip

    def rehearse(self) -> int:
        """See `RecordingScene.rehearse`; returns how many times."""
        times, self._now_s = self.scene.rehearse(self._now_s)
        return times

    def _check_shape(self, name: str, picture: Picture) -> None:
        size = f"{picture.width}x{picture.height}"
        shape = picture.width / picture.height
        if self._shape is None:
            self._shape = shape, f"{name} has {size}"
        elif abs(shape / self._shape[0] - 1) > _SAME_SHAPE:
            raise ScoreError(
                f"clip {name}: has pictures of {size}, and {self._shape[1]}: give the clips of one camera only"
            )

    def _look(self, clip: PlayedClip, shot: Shot, picture: Picture, motion: tuple[PixelBox, ...]) -> None:
        at_ns = round((self._now_s + shot.at_s) * NS_PER_S)
        frame = Frame(
            camera_id=CAMERA,
            seq=self.scene.looks + 1,
            captured_at=UtcNs(BEGIN + at_ns),
            captured_mono=MonotonicNs(at_ns),
            position_ns=round(shot.at_s * NS_PER_S),
            picture=picture,
            motion=motion,
        )
        looks, views = self.scene.looks, self.scene.views
        self.scene.is_withheld = shot.shows is not False
        changes = list(self._camera.update(frame))
        if self.scene.looks > looks:
            self._note(clip, shot.at_s, picture)
        if self.scene.views > views:
            self.tell(f"{clip.name} at {shot.at_s:.0f} s: the camera has another view; what was learned is forgotten")
        self._keep(clip, shot.at_s, changes)

    def _note(self, clip: PlayedClip, at_s: float, picture: Picture) -> None:
        judged = self.scene.judged
        if judged is None or self._analysis.scene is None:
            raise ScoreError(f"clip {clip.name}: the learner has failed at {at_s:.1f} s; the line above says why")
        clip.looks.append(JudgedLook(at_s, judged.score))
        if judged.score > 0:
            self._note_picture(clip, at_s, judged, picture)

    def _note_picture(self, clip: PlayedClip, at_s: float, judged: Judgement, picture: Picture) -> None:
        """Keeps it if it is among the oddest that are far enough from one another."""
        near = next((each for each in self.pictures if each.clip == clip.name and at_s - each.at_s < _APART_S), None)
        least = self.pictures[-1].score if len(self.pictures) >= MOST_PICTURES else 0.0
        if judged.score > (least if near is None else near.score):
            box = None if judged.box is None else corners(judged.box)
            jpeg = framed_jpeg(picture.to_bgr(), box)
            found = OddPicture(clip.name, at_s, judged.score, str(judged.reason or ""), jpeg)
            kept = [found, *(each for each in self.pictures if each is not near)]
            self.pictures = sorted(kept, key=lambda each: -each.score)[:MOST_PICTURES]

    def _keep(self, clip: PlayedClip, at_s: float, changes: Sequence[Change]) -> None:
        """What became of episodes."""
        for event in (change.event for change in changes if change.event is not None):
            if event.kind is EventKind.TAMPER and event.ended_at is None:
                cause = event.cause or event.kind
                self.tell(f"{clip.name} at {at_s:.0f} s: the camera seems tampered with ({cause}); nothing is learned")
            elif event.kind is EventKind.ANOMALY and event.event_id not in self._raised:
                alert = SceneAlert(at_s, _GOES_ON, event.score, event.label or "", event.box)
                self._raised[event.event_id] = alert
                clip.alerts.append(alert)
            elif (begun := self._raised.get(event.event_id)) is not None and event.ended_at is not None:
                begun.end_s = max(begun.at_s, (event.ended_at - BEGIN) / NS_PER_S - self._now_s)
