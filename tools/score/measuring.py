"""Measures a bundle on labelled clips: everything is checked first, then each clip is played and compared."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.clip import Clip
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraEnded, CameraLost, ModelIntegrityError
from smartcam.contract.times import NS_PER_S
from smartcam.inference.analysis.analysis import Model, ObjectModel
from smartcam.inference.bundles import open_model
from smartcam.inference.commands.check import label_faults
from smartcam.inference.settings import InferenceSettings
from tools.score.detections import DetectionCache, Store
from tools.score.intervals import ScoreError
from tools.score.labels import ClipLabels, read_all_labels
from tools.score.matching import MatchResult, match
from tools.score.playback import CAMERA, Playback, play
from tools.score.progress import Progress
from tools.score.report import ClipScore, Score
from tools.score.targets import FrameTimes, Tolerance

_USUAL_RATE = 25.0
_LOOK_EVERY_S = 1.0

Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """What is measured: a bundle on clips, with one configuration for all of them; `rotate` as in `SourceSettings`.

    `cache`: where detections of earlier runs are. `jobs`: how many clips are played at once.
    """

    videos: Sequence[Path]
    labels: Sequence[Path]
    bundle: Path
    analyse_fps: float | None = None
    tolerance_s: float | None = None
    settings: InferenceSettings = field(default_factory=InferenceSettings)
    rotate: int = 0
    mirror: bool = False
    cache: DetectionCache | None = None
    jobs: int = 1

    @property
    def capture(self) -> SourceSettings:
        """How pictures are captured."""
        capture = SourceSettings(CAMERA, rotate=self.rotate, mirror=self.mirror)
        return capture if self.analyse_fps is None else replace(capture, analyse_fps=self.analyse_fps)


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A clip whose labels were found to fit it. `pictures`: how many it has, 0 for unknown."""

    video: Path
    labels: ClipLabels
    pictures: int
    doubts: tuple[str, ...]


def measure(videos: Sequence[Path], labels_file: Path, bundle: Path, analyse_fps: float | None = None) -> Score:
    """The score of a bundle on clips, with the device's default settings and without a cache.

    Raises:
        ScoreError: a clip, the labels or the bundle is missing or wrong.
    """
    return measure_plan(ScorePlan(videos, [labels_file], bundle, analyse_fps))


def measure_plan(plan: ScorePlan, tell: Tell = lambda _: None) -> Score:
    """The score of a plan. The labels of all clips are checked, and their doubts told, before anything is played.

    Raises:
        ScoreError: a clip, the labels or the bundle is missing or wrong.
    """
    clips = checked_clips(plan, tell)
    return scored(plan, clips, checked_model(plan), tell)


def scored(plan: ScorePlan, clips: Sequence[LabelledClip], model: Model, tell: Tell = lambda _: None) -> Score:
    """The score of clips that are checked. Raises ScoreError as `measure_plan`."""
    playbacks: dict[Path, Playback] = dict(played(plan, clips, model, tell))
    scores = []
    for clip in clips:
        playback = playbacks[clip.video]
        outcome = compared(clip, playback, plan.tolerance_s)
        later = [each for each in clip.labels.doubts_of_length(playback.frames_read) if each not in clip.doubts]
        for doubt in later:
            tell(doubt)
        doubts = (*clip.doubts, *later)
        scores.append(ClipScore(clip.video.name, playback, outcome, clip.labels.in_words, doubts))
    return Score(tuple(scores))


def compared(clip: LabelledClip, playback: Playback, tolerance_s: float | None = None) -> MatchResult:
    """A playback compared with the clip's labels. Raises ScoreError where the clip ended before its labels do."""
    clip.labels.check(playback.frames_read, playback.seconds)
    tolerance = None if tolerance_s is None else Tolerance(tolerance_s, tolerance_s)
    return match(playback.events, clip.labels, FrameTimes(playback.starts_s, playback.seconds), tolerance)


def checked_clips(plan: ScorePlan, tell: Tell) -> list[LabelledClip]:
    """The clips with their labels, once all are known to fit.

    Raises:
        ScoreError: naming the first clip whose labels are missing, or go on after its end.
    """
    all_labels = read_all_labels(plan.labels)
    _refuse_equal_names(plan.videos)
    pairs = [(video, _labels_of(video, all_labels, plan.labels)) for video in plan.videos]
    seen = [_looked_at(video, labels, tell) for video, labels in pairs]
    # Counting takes minutes for a long clip: whatever can be told without it has been told by now.
    return [clip if fits else _counted(clip) for clip, fits in seen]


def _looked_at(video: Path, labels: ClipLabels, tell: Tell) -> tuple[LabelledClip, bool]:
    """The clip, and whether what its container states is enough for its labels."""
    with closing(_open(video)) as clip:
        pictures, rate = clip.pictures_stated, clip.frames_per_second
    doubts = (*labels.doubts_of_rate(rate), *labels.doubts_of_length(pictures))
    for doubt in doubts:
        tell(doubt)
    return LabelledClip(video, labels, pictures, doubts), labels.fits(pictures, pictures / (rate or _USUAL_RATE))


def _counted(clip: LabelledClip) -> LabelledClip:
    """The clip with its labels checked against its pictures: a container may state nothing, or what is not so."""
    pictures, position_ns = 0, 0
    with closing(_open(clip.video)) as source:
        try:
            while True:
                position_ns = source.next().position_ns
                pictures += 1
        except CameraEnded:
            pass
        except CameraLost as error:
            raise ScoreError(f"clip {error}") from error
        clip.labels.check(pictures, position_ns / NS_PER_S + 1 / (source.frames_per_second or _USUAL_RATE))
    return replace(clip, pictures=pictures)


def _open(video: Path) -> Clip:
    try:
        return open_clip(video)
    except CameraLost as error:
        raise ScoreError(f"clip {error}") from error


def played(plan: ScorePlan, clips: Sequence[LabelledClip], model: Model, tell: Tell) -> Iterator[tuple[Path, Playback]]:
    """Each clip's playback, in any order. Raises ScoreError."""
    progress = Progress(sum(clip.pictures for clip in clips), tell, time.monotonic)
    # A bundle's model keeps no state between pictures, so all clips share it; each clip has its own tracks.
    if plan.jobs == 1 or len(clips) == 1:
        for clip in clips:
            yield clip.video, play_clip(plan, clip.video, model, progress.advance, tell)
    else:
        yield from _played_at_once(plan, clips, progress)


def play_clip(
    plan: ScorePlan, video: Path, model: Model, tick: Callable[[], object], tell: Tell = lambda _: None
) -> Playback:
    """One clip's playback, with the detections of earlier runs where the plan has a cache. Raises ScoreError."""
    if plan.cache is None or not isinstance(model, ObjectModel):
        return play(video, model, plan.capture, plan.settings, tick=tick)
    return play_and_keep(plan, plan.cache, video, model, tick, tell)[0]


def play_and_keep(
    plan: ScorePlan,
    cache: DetectionCache,
    video: Path,
    model: ObjectModel,
    tick: Callable[[], object],
    tell: Tell,
) -> tuple[Playback, Store]:
    """A clip's playback and all detections that are known of it, which the cache keeps. Raises ScoreError."""
    try:
        file, store = cache.open(video, model.manifest, (plan.rotate, plan.mirror))
    except OSError as error:
        raise ScoreError(f"clip {video}: {error.strerror or error}") from error
    playback = play(video, model, plan.capture, plan.settings, store=store, tick=tick)
    try:
        cache.keep(file, store, model.manifest.labels)
    except OSError as error:
        tell(f"detections of {video.name} are not kept in {cache.folder}: {error.strerror or error}")
    return playback, store


_advanced: "Synchronized[int] | None" = None
"""In a process that plays clips: the counter of pictures that all of them share."""


def _begin(counter: "Synchronized[int]") -> None:
    global _advanced  # noqa: PLW0603  what a pool hands to its processes it can hand over in this way only
    _advanced = counter


def _play_in_worker(plan: ScorePlan, video: Path) -> Playback:
    return play_clip(plan, video, _opened_once(plan.bundle), _advance)


def _advance() -> None:
    if _advanced is not None:
        with _advanced.get_lock():
            _advanced.value += 1


def _played_at_once(
    plan: ScorePlan, clips: Sequence[LabelledClip], progress: Progress
) -> Iterator[tuple[Path, Playback]]:
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    workers = min(plan.jobs, len(clips))
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(counter,)) as pool:
        # The longest first: the last one must not keep everybody waiting.
        order = sorted(clips, key=lambda clip: -clip.pictures)
        futures: dict[Future[Playback], Path] = {
            pool.submit(_play_in_worker, plan, clip.video): clip.video for clip in order
        }
        waiting = set(futures)
        try:
            while waiting:
                done, waiting = wait(waiting, _LOOK_EVERY_S, FIRST_COMPLETED)
                progress.reach(counter.value)
                for future in done:
                    yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise ScoreError("a process that played a clip has died; is the memory full? give fewer --jobs") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def opened(bundle: Path) -> Model:
    """The model of a bundle. Raises ScoreError."""
    if not bundle.is_dir():
        raise ScoreError(f"bundle {bundle}: there is no such folder; make one with `smartcam bundle`")
    try:
        return open_model(bundle)
    except ModelIntegrityError as error:
        raise ScoreError(f"bundle {bundle}: {error}") from error


_opened_once = lru_cache(maxsize=1)(opened)


def checked_model(plan: ScorePlan) -> Model:
    """The model of the plan's bundle. Raises ScoreError, also where the settings name what it does not know."""
    model = opened(plan.bundle)
    for fault in label_faults(model, plan.settings.camera(CAMERA)):
        raise ScoreError(f"camera settings: {fault}")
    return model


def _refuse_equal_names(videos: Sequence[Path]) -> None:
    first: dict[str, Path] = {}
    for video in videos:
        if video.name in first:
            raise ScoreError(
                f"clips {first[video.name]} and {video}: both are {video.name}, by which labels know them; rename one,"
                " or give it once"
            )
        first[video.name] = video


def _labels_of(video: Path, labels: dict[str, ClipLabels], files: Sequence[Path]) -> ClipLabels:
    if not video.exists():
        raise ScoreError(f"clip {video}: there is no such file")
    if video.name not in labels:
        known = ", ".join(sorted(labels)) or "none"
        where = ", ".join(str(file) for file in files)
        raise ScoreError(f"labels {where}: no entry for {video.name}; there are entries for {known}")
    return labels[video.name]
