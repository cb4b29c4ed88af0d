"""Makes a bundle from a model file: examines it, adds a golden picture, checks the result, puts it in place at once."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.model.bundle import SIGNATURE_FILE, ModelBundle
from smartcam.model.examine import Scaling, classifier_output, detector_output, input_spec, structured_picture
from smartcam.model.golden import Answer, dump_answer
from smartcam.model.golden_choice import choose_golden
from smartcam.model.heads import ClassifierHead, DetectorHead, RegionDetections
from smartcam.model.interpreter import open_interpreter
from smartcam.model.manifest import (
    CHANNELS,
    MANIFEST_FILE,
    MODEL_FILE,
    ONNX_FILE,
    ClassifierOutput,
    DetectorOutput,
    Golden,
    InputSpec,
    ModelKind,
    ModelManifest,
    Provenance,
    Thresholds,
)
from smartcam.model.preprocess import crop_rgb, whole
from smartcam.model.runtimes.onnx_file import is_onnx
from smartcam.model.signature import sign
from smartcam.vision.picture import Picture

GOLDEN_INPUT: Final = "golden_input.bin"
GOLDEN_OUTPUT: Final = "golden_output.json"
_CANDIDATES: Final = 16
_PLACEHOLDERS: Final = ("???", "background")


@dataclass(frozen=True, slots=True)
class Draft:
    """What the maker of a bundle states; the rest is found by running the model.

    `scaling` is only needed if the model does not take samples as `examine.input_spec` assumes; `size`, width and
    height, if it leaves them open; `golden`, RGB uint8 (height, width, 3) of any size, if it finds nothing in
    the pictures that are made up to examine it.
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
    size: tuple[int, int] | None = None
    golden: NDArray[np.uint8] | None = None


def write_bundle(
    folder: Path,
    model: bytes,
    draft: Draft,
    private_key: bytes | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> ModelManifest:
    """Writes a bundle into a new folder, signed when a key (Ed25519, 32 raw bytes or PEM) is given.

    The folder appears only once everything in it is written and opens as a bundle. `say` hears what its golden picture
    does not prove.

    Raises:
        ModelIntegrityError: if the model does not fit the draft.
        ContractError: naming the wrong field of the draft.
        FileExistsError: if there is something at `folder`.
        OSError: if it cannot be written.
    """
    if os.path.lexists(folder):
        raise FileExistsError(f"{folder} exists; a bundle is written into a new folder")
    contents = _contents(model, draft, private_key, say)
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, content in contents.items():
            with (workshop / name).open("wb") as file:
                file.write(content)
                os.fsync(file.fileno())
        workshop.chmod(0o755)
        manifest = _opened(workshop)
        workshop.rename(folder)
    except BaseException:
        shutil.rmtree(workshop, ignore_errors=True)
        raise
    return manifest


def _opened(workshop: Path) -> ModelManifest:
    """The bundle's manifest. An error names its file, but not the folder: that is gone when somebody looks."""
    try:
        return ModelBundle.open(workshop).manifest
    except ModelIntegrityError as error:
        said = str(error).replace(f"{workshop.resolve()}/", "").replace(f"{workshop}", "the new bundle")
        raise ModelIntegrityError(said) from error


def _contents(model: bytes, draft: Draft, private_key: bytes | None, say: Callable[[str], None]) -> dict[str, bytes]:
    interpreter = open_interpreter(model, size=draft.size)
    spec = input_spec(interpreter, draft.scaling)
    pictures = [structured_picture(seed, spec.width, spec.height) for seed in range(_CANDIDATES)]
    output: DetectorOutput | ClassifierOutput
    if draft.kind is ModelKind.DETECTOR:
        output = detector_output(interpreter, spec, pictures)
        head: DetectorHead | ClassifierHead = DetectorHead(interpreter, spec, output)
    else:
        output = classifier_output(interpreter, spec, pictures)
        head = ClassifierHead(interpreter, spec, output)
    brought = None if draft.golden is None else fitted(draft.golden, spec)
    golden = choose_golden(head.infer, pictures, brought)
    for sentence in golden.said:
        say(sentence)
    _check_labels(golden.answer, draft.labels)
    contents = {
        ONNX_FILE if is_onnx(model) else MODEL_FILE: model,
        GOLDEN_INPUT: golden.picture.tobytes(),
        GOLDEN_OUTPUT: dump_answer(golden.answer),
    }
    document = _manifest(draft, spec, output, contents, golden.tolerance).to_json()
    ModelManifest.from_json(document)  # the reader's rules hold for the writer too
    contents[MANIFEST_FILE] = document
    if private_key is not None:
        contents[SIGNATURE_FILE] = sign(document, private_key)
    return contents


def _manifest(
    draft: Draft,
    spec: InputSpec,
    output: DetectorOutput | ClassifierOutput,
    contents: Mapping[str, bytes],
    tolerance: float,
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
        golden=Golden(GOLDEN_INPUT, GOLDEN_OUTPUT, tolerance),
        provenance=draft.provenance,
        licence=draft.licence,
    )


def fitted(rgb: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.uint8]:
    """A picture as the model is shown it: RGB uint8 (height, width, 3) of the model's size.

    `rgb` has any size from 2x2. One of the model's size is taken as it is.
    """
    if rgb.shape == (spec.height, spec.width, CHANNELS):
        return rgb
    picture = Picture.from_bgr(np.ascontiguousarray(rgb[..., ::-1]))
    return crop_rgb(picture, whole(picture), spec)


def _check_labels(answer: Answer, labels: tuple[str, ...]) -> None:
    if isinstance(answer, RegionDetections):
        highest = int(answer.classes.max()) if answer.classes.size else 0
        if highest >= len(labels):
            raise ModelIntegrityError(f"detects class {highest}, but there are only {len(labels)} labels")
    elif answer.size != len(labels):
        raise ModelIntegrityError(f"gives {answer.size} shares, but there are {len(labels)} labels")


def read_labels(text: str, kind: ModelKind) -> tuple[str, ...]:
    """The labels in a file with one per line, or `number name` per line; an empty line becomes `???`.

    A detector's classes count from the first object, so a leading `???` or `background` is dropped.

    Raises:
        ContractError: if there are none, or a number is out of range.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").strip().splitlines()]
    if lines and all(line.split(maxsplit=1)[0].rstrip(":").isdecimal() and " " in line for line in lines if line):
        lines = _numbered(lines)
    if kind is ModelKind.DETECTOR and lines and lines[0].lower() in _PLACEHOLDERS:
        lines = lines[1:]
    if not any(lines):
        raise ContractError("labels", "has no labels; it needs one per line")
    return tuple(line or _PLACEHOLDERS[0] for line in lines)


def _numbered(lines: list[str]) -> list[str]:
    pairs = [line.split(maxsplit=1) for line in lines if line]
    numbers = [int(number.rstrip(":")) for number, _ in pairs]
    if max(numbers) > 10 * len(pairs) + 100:
        raise ContractError("labels", f"has number {max(numbers)} for {len(pairs)} labels")
    names = [""] * (max(numbers) + 1)
    for number, (_, name) in zip(numbers, pairs, strict=True):
        names[number] = name.strip()
    return names
