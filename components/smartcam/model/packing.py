"""Makes a bundle from a model file: examines it, adds a golden picture, checks the result, puts it in place at once."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.model.bundle import SIGNATURE_FILE, ModelBundle
from smartcam.model.examine import Examined, examine
from smartcam.model.examining.trial import Wishes, examining_pictures
from smartcam.model.golden import dump_answer
from smartcam.model.golden_choice import choose_golden
from smartcam.model.heads.classifier import ClassifierHead
from smartcam.model.heads.head import DetectorHead
from smartcam.model.interpreter import Interpreter, open_interpreter
from smartcam.model.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    ONNX_FILE,
    Golden,
    ModelKind,
    ModelManifest,
    Provenance,
    Thresholds,
)
from smartcam.model.outputs import ClassifierOutput
from smartcam.model.preprocess import fit_rgb
from smartcam.model.runtimes.onnx_file import is_onnx
from smartcam.model.signature import sign

GOLDEN_INPUT: Final = "golden_input.bin"
GOLDEN_OUTPUT: Final = "golden_output.json"
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Draft:
    """What the maker of a bundle states; the rest is found by running the model, unless it was `examined` already.

    `golden`, RGB uint8 (height, width, 3) of any size, is for a model that finds nothing in pictures of our own.
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
    examined: Examined | None = None
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
    return write_files(folder, contents, lambda made: ModelBundle.open(made).manifest)


def write_files(folder: Path, contents: Mapping[str, bytes], open_it: Callable[[Path], M]) -> M:
    """Writes the files of a bundle into a new folder, which appears only once they are there and `open_it` took them.

    Raises:
        ModelIntegrityError: what `open_it` raises; it names the file, but not the folder, which is gone by then.
        FileExistsError: if there is something at `folder`.
        OSError: if it cannot be written.
    """
    if os.path.lexists(folder):
        raise FileExistsError(f"{folder} exists; a bundle is written into a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, content in contents.items():
            with (workshop / name).open("wb") as file:
                file.write(content)
                os.fsync(file.fileno())
        workshop.chmod(0o755)
        manifest = open_it(workshop)
        workshop.rename(folder)
    except ModelIntegrityError as error:
        shutil.rmtree(workshop, ignore_errors=True)
        said = str(error).replace(f"{workshop.resolve()}/", "").replace(f"{workshop}", "the new bundle")
        raise ModelIntegrityError(said) from error
    except BaseException:
        shutil.rmtree(workshop, ignore_errors=True)
        raise
    return manifest


def _contents(model: bytes, draft: Draft, private_key: bytes | None, say: Callable[[str], None]) -> dict[str, bytes]:
    size = None if draft.examined is None else (draft.examined.input.width, draft.examined.input.height)
    interpreter = open_interpreter(model, size=size)
    pictures = () if draft.golden is None else (draft.golden,)
    wishes = Wishes(kind=draft.kind, labels=frozenset({len(draft.labels)}))
    examined = draft.examined or examine(interpreter, pictures, wishes)
    if examined.classes not in (None, len(draft.labels)):
        raise ModelIntegrityError(f"has {examined.classes} classes, but there are {len(draft.labels)} labels")
    highest = max(examined.seen, default=0)
    if highest >= len(draft.labels):
        raise ModelIntegrityError(f"detects class {highest}, but there are only {len(draft.labels)} labels")
    shown = examining_pictures(examined.input.width, examined.input.height)
    brought = None if draft.golden is None else fit_rgb(draft.golden, examined.input)
    golden = choose_golden(_head(interpreter, examined, len(draft.labels)).infer, shown, brought)
    for sentence in golden.said:
        say(sentence)
    contents = {
        ONNX_FILE if is_onnx(model) else MODEL_FILE: model,
        GOLDEN_INPUT: golden.picture.tobytes(),
        GOLDEN_OUTPUT: dump_answer(golden.answer),
    }
    document = _manifest(draft, examined, contents, golden.tolerance).to_json()
    ModelManifest.from_json(document)  # the reader's rules hold for the writer too
    contents[MANIFEST_FILE] = document
    if private_key is not None:
        contents[SIGNATURE_FILE] = sign(document, private_key)
    return contents


def _head(interpreter: Interpreter, examined: Examined, labels: int) -> DetectorHead | ClassifierHead:
    if isinstance(examined.output, ClassifierOutput):
        return ClassifierHead(interpreter, examined.input, examined.output, labels)
    return DetectorHead(interpreter, examined.input, examined.output)


def _manifest(draft: Draft, examined: Examined, contents: Mapping[str, bytes], tolerance: float) -> ModelManifest:
    return ModelManifest(
        name=draft.name,
        version=draft.version,
        kind=draft.kind,
        files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        input=examined.input,
        output=examined.output,
        labels=draft.labels,
        events=draft.events,
        thresholds=draft.thresholds,
        min_frames=draft.min_frames,
        golden=Golden(GOLDEN_INPUT, GOLDEN_OUTPUT, tolerance),
        provenance=draft.provenance,
        licence=draft.licence,
    )
