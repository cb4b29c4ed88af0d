"""The bundle that `make demo` uses: it opens, it is small, and it tells the demo's visits from everything else."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from smartcam.contract.event import EventKind
from smartcam.contract.times import MonotonicNs
from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.classifier import ClassifierScorer
from smartcam.model.manifest import ModelKind
from smartcam.vision.alarm import AlarmPolicy, AlarmState, Observation, Transition, step
from smartcam.vision.picture import Picture
from training.bundle import KERAS_SOURCE, source_beside
from training.classifier.networks import InputSize, begun_with, opened_encoder, rgb_spec
from training.clip import Labelling, write_clip
from training.drawn_films import YardSlides
from training.evaluate import area_under_curve
from training.footage.film import Shot
from training.yard.demo import demo_spec
from training.yard.scene import Scene

FOLDER = Path(__file__).resolve().parents[2] / "training/bundles/demo"
ANALYSED_PER_SECOND = 5.0
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class WatchedTime:
    """The demo's clip through the stored model, as often as it is analysed: scores, and what is true of the clip."""

    scores: tuple[float, ...]
    labelling: Labelling


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.open(FOLDER)


@pytest.fixture(scope="module")
def scorer(bundle: ModelBundle) -> ClassifierScorer:
    scorer = analyser_of(bundle)
    assert isinstance(scorer, ClassifierScorer)
    return scorer


@pytest.fixture(scope="module")
def watched(scorer: ClassifierScorer, tmp_path_factory: pytest.TempPathFactory) -> WatchedTime:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    labelling = write_clip(path, Scene(demo_spec()), ANALYSED_PER_SECOND)
    with av.open(str(path)) as container:
        frames = [np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8) for frame in container.decode(video=0)]
    height, width = frames[0].shape[0] * 2 // 3, frames[0].shape[1]
    pictures = [Picture.from_i420(np.ascontiguousarray(frame).reshape(-1), width, height) for frame in frames]
    return WatchedTime(tuple(float(scorer.score([picture])) for picture in pictures), labelling)


def test_the_bundle_is_what_the_demo_expects(bundle: ModelBundle) -> None:
    manifest = bundle.manifest
    assert manifest.kind is ModelKind.CLASSIFIER
    assert dict(manifest.events) == {"intruder": EventKind.ANOMALY}
    assert manifest.provenance.command.startswith("python -m training --seed")
    assert manifest.provenance.seed is not None
    assert manifest.provenance.source
    assert manifest.provenance.training


def test_the_bundle_has_at_most_500_kilobytes() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 500_000


@pytest.mark.training
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is in the training environment")
def test_the_network_beside_the_bundle_is_the_one_that_was_rounded_to_eight_bits() -> None:
    trained = begun_with(source_beside(FOLDER, KERAS_SOURCE)).get_weights()
    rounded = opened_encoder(FOLDER).get_weights()
    assert len(rounded) == 12
    off = []
    for one, other in zip(trained, rounded, strict=False):
        if one.ndim == 4:  # of biases the scale is the picture's, too
            step = np.abs(one).max(axis=(0, 1, 2)) / 127
            off.append(float((np.abs(one - other) / step).max()))
    assert max(off) < 0.51
    assert min(off) > 0.4, "made of the eight bits it would have lost what they lost"


def test_no_normal_frame_of_the_demo_comes_near_an_alarm(bundle: ModelBundle, watched: WatchedTime) -> None:
    inside = np.zeros(len(watched.scores), np.bool_)
    for first, last in watched.labelling.intruder:
        inside[first : last + 1] = True
    thresholds, normal = bundle.manifest.thresholds, np.array(watched.scores)[~inside]
    assert max(normal) < (thresholds.raise_at + thresholds.clear_at) / 2
    # One frame of an end that is still half in sight goes on with an episode, and begins none.
    assert np.count_nonzero(normal >= thresholds.clear_at) < bundle.manifest.min_frames


def test_each_visit_of_the_demo_is_one_episode_raised_within_two_seconds(
    bundle: ModelBundle, watched: WatchedTime
) -> None:
    thresholds = bundle.manifest.thresholds
    policy = AlarmPolicy(thresholds.raise_at, thresholds.clear_at, bundle.manifest.min_frames)
    state, raised, cleared = AlarmState(), [], []
    for look, score in enumerate(watched.scores):
        time_s = look / ANALYSED_PER_SECOND
        state, change = step(
            policy, state, Observation(MonotonicNs(int(time_s * NS)), score, moves=state.spent_moves + 1)
        )
        if change is Transition.RAISED:
            raised.append(time_s)
        elif change is Transition.CLEARED:
            cleared.append(time_s)
    visits = [(first / ANALYSED_PER_SECOND, last / ANALYSED_PER_SECOND) for first, last in watched.labelling.intruder]
    assert len(raised) == len(cleared) == len(visits)
    for (start, end), up, down in zip(visits, raised, cleared, strict=True):
        assert start <= up <= start + 2.0
        assert end - 1.0 <= down <= end + 4.0


@pytest.fixture(scope="module")
def slides() -> list[Shot]:
    return [shot for number in range(8) for shot in YardSlides(900_000 + number, 2).shots()]


def test_the_model_tells_intruders_in_yards_that_nobody_trained_on(
    scorer: ClassifierScorer, slides: list[Shot]
) -> None:
    scores = np.array([scorer.score([shot.picture]) for shot in slides], np.float32)
    assert scorer.label == "intruder"
    assert area_under_curve(scores, np.array([shot.shows is True for shot in slides])) > 0.95


def test_the_model_for_a_microcontroller_tells_them_too(slides: list[Shot]) -> None:
    scorer = analyser_of(ModelBundle.open(FOLDER.with_name("micro")))
    assert isinstance(scorer, ClassifierScorer)
    taken = scorer.manifest.input
    assert (taken.width, taken.height) == (InputSize.MICRO.width, InputSize.MICRO.height)
    scores = np.array([scorer.score([shot.picture]) for shot in slides], np.float32)
    assert area_under_curve(scores, np.array([shot.shows is True for shot in slides])) > 0.93


def test_a_yard_without_light_and_one_all_white_are_normal(scorer: ClassifierScorer) -> None:
    for level in (0, 128, 255):
        bgr = np.full((432, 768, 3), level, np.uint8)
        assert scorer.score([Picture.from_bgr(bgr)]) < scorer.manifest.thresholds.clear_at
    assert (scorer.manifest.input.height, scorer.manifest.input.width) == (rgb_spec().height, rgb_spec().width)
