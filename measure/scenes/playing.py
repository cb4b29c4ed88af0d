"""Plays scenes through the device's own code, with the noise model or with a real detector."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from measure.cutouts import CutFootage
from measure.habits import SURE
from measure.scenes.drawn import Painted, SceneClip
from measure.scenes.eyes import Eyes
from measure.scenes.judge import Ruling, judge
from measure.scenes.pasted import ZOOM, Pasted, ground_of, recast
from measure.scenes.truth import StagedScene, truth_of
from smartcam.capture.settings import SourceSettings
from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.notice import PixelBox
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.inference.bundles import open_model
from smartcam.inference.settings import InferenceSettings
from smartcam.model.manifest import (
    Golden,
    InputSpec,
    ModelKind,
    ModelManifest,
    Provenance,
    TensorType,
)
from smartcam.model.outputs import SsdOutput
from smartcam.model.scoring import Detections, Detector
from smartcam.vision.corners import Corners, overlap
from smartcam.vision.picture import Picture
from tools.bundle.making import EVENTS_OF_LABELS, MIN_FRAMES, THRESHOLDS
from tools.score.playback import CAMERA, play_open
from tools.stopwatch import Stopwatch

TRUTH_FPS: Final = 5.0
"""Boxes of the truth a second, about as many as a device takes looks."""
TWO_LOOKS: Final = 2
_AT_PLACE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Played:
    """A scene that was played. `seen`: objects that the detector alone was sure of in at least two looks."""

    scene: StagedScene
    ruling: Ruling
    events: int
    seen: frozenset[str]

    @property
    def found_of_seen(self) -> int:
        """How many of those were told of."""
        return sum(id_ in self.ruling.found for id_ in self.seen)


@dataclass(slots=True)
class _Watched:
    """Counts in how many looks a detector is sure of each object, by place, and asks nothing else."""

    detector: Detector
    clip: SceneClip
    zoom: int
    sure: Counter[str] = field(default_factory=Counter)

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        found = self.detector.detect(picture, regions)
        at_s = self.clip.at_s
        there = self.clip.scene.placed(at_s) if len(found) else []
        for each in there:
            spell = each.thing.spell_at(at_s)
            whole: Corners = tuple(edge * self.zoom for edge in each.inside)  # type: ignore[assignment]
            if spell is not None and not spell.parked and _is_sure(found, whole):
                self.sure[spell.id] += 1
        return found

    def seen(self) -> frozenset[str]:
        return frozenset(id_ for id_, looks in self.sure.items() if looks >= TWO_LOOKS)


def _is_sure(found: Detections, box: Corners) -> bool:
    return any(
        score >= SURE and label in EVENTS_OF_LABELS and overlap((x1, y1, x2, y2), box) >= _AT_PLACE
        for (x1, y1, x2, y2), score, label in zip(found.boxes.tolist(), found.scores, found.labels, strict=True)
    )


def open_detector(bundle: Path) -> ObjectModel:
    """A bundle that holds a detector. Raises ModelIntegrityError where it does not, or is damaged."""
    model = open_model(bundle)
    if not isinstance(model, ObjectModel):
        raise ModelIntegrityError(f"bundle {bundle}: holds no detector; make one with `smartcam bundle`")
    return model


def drawn(scene: StagedScene) -> SceneClip:
    """The scene in grey."""
    return SceneClip(scene, Painted(scene))


def pasted(scene: StagedScene, footage: CutFootage) -> SceneClip:
    """The scene played by cut-outs."""
    scene, cast = recast(scene, footage)
    return SceneClip(scene, Pasted(scene, cast, ground_of(scene, footage)))


def play_noise(scene: StagedScene, seed: int = 0) -> Played:
    """With the noise model; `seed` is that of its errors."""
    clip = drawn(scene)
    return _play(clip, Eyes(scene, lambda: clip.at_s, seed), MANIFEST, zoom=1)


def play_footage(scene: StagedScene, footage: CutFootage, model: ObjectModel) -> Played:
    """With a real detector, on pictures that are pasted together."""
    return _play(pasted(scene, footage), model.detector, model.manifest, ZOOM)


def _play(clip: SceneClip, detector: Detector, manifest: ModelManifest, zoom: int) -> Played:
    watched = _Watched(detector, clip, zoom)
    settings = SourceSettings(CAMERA, Path())
    # Nobody asks for times, and on a busy machine reading the clock takes longer than all the rest.
    untimed = Stopwatch("none")
    events = play_open(clip, ObjectModel(manifest, watched), settings, InferenceSettings(), untimed).events
    scene = clip.scene
    objects = truth_of(scene, max(1, round(scene.fps / TRUTH_FPS)))
    ruling = judge(objects, events, (scene.width, scene.height))
    expected = {each.id for each in objects if not each.parked}
    return Played(scene, ruling, len(events), watched.seen() & expected)


MANIFEST: Final = ModelManifest(
    name="eyes",
    version="1.0.0",
    kind=ModelKind.DETECTOR,
    files=dict.fromkeys(("model.tflite", "in.bin", "out.json"), "0" * 64),
    input=InputSpec(300, 300, TensorType.UINT8, 1.0, 0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    output=SsdOutput(0, 1, 2, 3),
    labels=tuple(EVENTS_OF_LABELS),
    events=EVENTS_OF_LABELS,
    thresholds=THRESHOLDS[ModelKind.DETECTOR],
    min_frames=MIN_FRAMES,
    golden=Golden("in.bin", "out.json", 0.05),
    provenance=Provenance(),
    licence="none",
)
"""What the noise model says of itself: a bundle's defaults."""
