"""Makes a bundle from a model file: examines it, adds a golden picture, checks the result, puts it in place at once."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.model.bundle import SIGNATURE_FILE, ModelBundle
from smartcam.model.examine import Scaling, classifier_output, detector_output, input_spec, structured_picture
from smartcam.model.golden import Answer, dump_answer
from smartcam.model.heads import ClassifierHead, DetectorHead, RegionDetections
from smartcam.model.interpreter import Interpreter
from smartcam.model.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    ClassifierOutput,
    DetectorOutput,
    Golden,
    InputSpec,
    ModelKind,
    ModelManifest,
    Provenance,
    Thresholds,
)
from smartcam.model.signature import sign

GOLDEN_INPUT: Final = "golden_input.bin"
GOLDEN_OUTPUT: Final = "golden_output.json"
TOLERANCE: Final = 0.05
"""Another processor or runtime rounds differently: by a few hundredths of a score, never by a tenth."""
_CANDIDATES: Final = 16
_SATURATED: Final = 0.95


@dataclass(frozen=True, slots=True)
class Draft:
    """What the maker of a bundle states; the rest is found by running the model.

    `scaling` is only needed if the model does not take samples as `examine.input_spec` assumes.
    """

    name: str
    version: str
    kind: ModelKind
    labels: tuple[str, ...]
    events: Mapping[str, EventKind]
    thresholds: Thresholds
    min_frames: int
    licence: str
    provenance: Provenance = field(default_factory=Provenance)
    scaling: Scaling | None = None


def write_bundle(folder: Path, model: bytes, draft: Draft, private_key: bytes | None = None) -> ModelManifest:
    """Writes a bundle into a new folder, signed when a key (Ed25519, 32 raw bytes or PEM) is given.

    The folder appears only once everything in it is written and opens as a bundle.

    Raises:
        ModelIntegrityError: if the model does not fit the draft.
        ContractError: naming the wrong field of the draft.
        FileExistsError: if there is something at `folder`.
        OSError: if it cannot be written.
    """
    if os.path.lexists(folder):
        raise FileExistsError(f"{folder} exists; a bundle is written into a new folder")
    contents = _contents(model, draft, private_key)
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, content in contents.items():
            with (workshop / name).open("wb") as file:
                file.write(content)
                os.fsync(file.fileno())
        workshop.chmod(0o755)
        manifest = ModelBundle.open(workshop).manifest
        workshop.rename(folder)
    except BaseException:
        shutil.rmtree(workshop, ignore_errors=True)
        raise
    return manifest


def _contents(model: bytes, draft: Draft, private_key: bytes | None) -> dict[str, bytes]:
    interpreter = Interpreter(model)
    spec = input_spec(interpreter, draft.scaling)
    pictures = [structured_picture(seed, spec.width, spec.height) for seed in range(_CANDIDATES)]
    output: DetectorOutput | ClassifierOutput
    if draft.kind is ModelKind.DETECTOR:
        output = detector_output(interpreter, spec, pictures)
        picture, answer = _strongest(DetectorHead(interpreter, spec, output), pictures)
    else:
        output = classifier_output(interpreter, spec, pictures)
        picture, answer = _strongest(ClassifierHead(interpreter, spec, output), pictures)
    _check_labels(answer, draft.labels)
    contents = {MODEL_FILE: model, GOLDEN_INPUT: picture.tobytes(), GOLDEN_OUTPUT: dump_answer(answer)}
    document = _manifest(draft, spec, output, contents).to_json()
    ModelManifest.from_json(document)  # the reader's rules hold for the writer too
    contents[MANIFEST_FILE] = document
    if private_key is not None:
        contents[SIGNATURE_FILE] = sign(document, private_key)
    return contents


def _manifest(
    draft: Draft, spec: InputSpec, output: DetectorOutput | ClassifierOutput, contents: Mapping[str, bytes]
) -> ModelManifest:
    return ModelManifest(
        name=draft.name,
        version=draft.version,
        kind=draft.kind,
        files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        input=spec,
        output=output,
        labels=draft.labels,
        events=draft.events,
        thresholds=draft.thresholds,
        min_frames=draft.min_frames,
        golden=Golden(GOLDEN_INPUT, GOLDEN_OUTPUT, TOLERANCE),
        provenance=draft.provenance,
        licence=draft.licence,
    )


def _strongest(
    head: DetectorHead | ClassifierHead, pictures: list[NDArray[np.uint8]]
) -> tuple[NDArray[np.uint8], Answer]:
    """The picture with the surest answer that is not saturated: weak or saturated answers could hide a wrong model."""
    answers: list[Answer] = [head.infer(picture) for picture in pictures]
    best = max(range(len(pictures)), key=lambda place: _strength(answers[place]))
    return pictures[best], answers[best]


def _strength(answer: Answer) -> float:
    values = answer.scores if isinstance(answer, RegionDetections) else answer
    highest = float(values.max()) if values.size else 0.0
    return highest if highest <= _SATURATED else 1 - highest


def _check_labels(answer: Answer, labels: tuple[str, ...]) -> None:
    if isinstance(answer, RegionDetections):
        highest = int(answer.classes.max()) if answer.classes.size else 0
        if highest >= len(labels):
            raise ModelIntegrityError(f"detects class {highest}, but there are only {len(labels)} labels")
    elif answer.size != len(labels):
        raise ModelIntegrityError(f"gives {answer.size} shares, but there are {len(labels)} labels")
