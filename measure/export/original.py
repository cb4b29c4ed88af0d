"""What is exported: a bundle's .tflite model, how its answers are read, and what it answers itself."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from measure.export.parity import Answers
from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.reading import parse_object
from smartcam.model.bundle import ModelBundle, manifest_bytes, naming
from smartcam.model.heads.classifier import BOTH, ShareReader
from smartcam.model.heads.head import reader_of
from smartcam.model.interpreter import Interpreter, Tensor, TensorSpec, open_interpreter
from smartcam.model.manifest import CHANNELS, MANIFEST_FILE, MODEL_FILE, ONNX_FILE, ModelManifest, RowKind
from smartcam.model.outputs import ClassifierOutput
from smartcam.model.preprocess import Preprocessor, crop_rgb, whole
from smartcam.model.rows.bundle import RowBundle, read_golden_rows
from smartcam.model.runtimes.tflite import TfliteInterpreter
from smartcam.vision.picture import Picture
from tools.child import ExportFault
from training.bundle import KERAS_SOURCE, TORCH_SOURCE, source_beside

SOURCES: Final[Mapping[str, str]] = {KERAS_SOURCE: "network of Keras", TORCH_SOURCE: "program of PyTorch"}
_MADE_UP: Final = 200
_SPREAD: Final = 0.2


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """A bundle's model with what it is shown: `inputs` are its tensors, the golden ones first.

    `top` reads the top label in the outputs; -1 is none. `own_onnx`: the .onnx file that the bundle has beside it.
    `sources`: what the model was converted from, by suffix. `manifest_of_pictures`: None for a bundle of rows.
    """

    name: str
    version: str
    model: bytes
    manifest: bytes
    inputs: Sequence[Tensor]
    golden: int
    top: Callable[[Sequence[Tensor]], int]
    labels: tuple[str, ...]
    own_onnx: bytes | None = None
    sources: Mapping[str, Path] = field(default_factory=dict)
    manifest_of_pictures: ModelManifest | None = None

    @cached_property
    def interpreter(self) -> Interpreter:
        """The runtime of a device."""
        return open_interpreter(self.model)

    @property
    def given(self) -> TensorSpec:
        """What the model takes."""
        return self.interpreter.input

    @cached_property
    def ran(self) -> tuple[Answers, float]:
        """The original's answers, and milliseconds of CPU for one."""
        return run_all(self.interpreter, self.inputs)

    @cached_property
    def _reference(self) -> TfliteInterpreter:
        return TfliteInterpreter(self.model, reference=True)

    def by_reference(self, place: int) -> tuple[Tensor, ...]:
        """What the reference kernels answer to one input."""
        return self._reference.invoke(self.inputs[place])


def run_all(interpreter: Interpreter, inputs: Sequence[Tensor]) -> tuple[Answers, float]:
    """The answers to all inputs, and milliseconds of CPU for one."""
    interpreter.invoke(inputs[0])
    begun = time.process_time()
    answers = [interpreter.invoke(each) for each in inputs]
    return answers, (time.process_time() - begun) * 1000 / len(inputs)


def open_exported(folder: Path, footage: Callable[[Callable[[Picture], Tensor]], Sequence[Tensor]]) -> ExportedModel:
    """A bundle of pictures or of rows, checked as on a device.

    `footage` gives what held-out pictures are to the model, by a function that says it of one; rows need none.

    Raises:
        ModelIntegrityError: it is none, is damaged, or has no .tflite model.
    """
    document = manifest_bytes(folder)
    with naming(folder / MANIFEST_FILE):
        kind = parse_object(document, "manifest").get("kind")
    if kind in tuple(RowKind):
        return _of_rows(folder, document)
    bundle = ModelBundle.open(folder)
    if bundle.manifest.model_file != MODEL_FILE:
        raise ModelIntegrityError(f"{folder}: has {ONNX_FILE}: exports begin with a {MODEL_FILE}; this is ONNX already")
    spec, model = bundle.manifest.input, (bundle.path / MODEL_FILE).read_bytes()
    golden = np.fromfile(bundle.path / bundle.manifest.golden.input, np.uint8)
    preprocessor = Preprocessor(spec)

    def see(picture: Picture) -> Tensor:
        return preprocessor.tensor(crop_rgb(picture, whole(picture), spec)).copy()

    first = preprocessor.tensor(golden.reshape(spec.height, spec.width, CHANNELS)).copy()
    inputs = [first, *footage(see)]
    manifest = bundle.manifest
    top = _top_of(manifest, open_interpreter(model).outputs)
    return ExportedModel(
        manifest.name,
        manifest.version,
        model,
        document,
        inputs,
        1,
        top,
        manifest.labels,
        sources={suffix: path for suffix in SOURCES if (path := source_beside(folder, suffix)).is_file()},
        manifest_of_pictures=manifest,
    )


def source_of(exported: ExportedModel, kinds: Sequence[str]) -> Path:
    """What the model was converted from, of the first kind that there is. Raises ExportFault where there is none."""
    for suffix in kinds:
        if suffix in exported.sources:
            return exported.sources[suffix]
    there = f", only a {', '.join(exported.sources)}" if exported.sources else ""
    wanted = " or ".join(f"{SOURCES[suffix]} ({suffix})" for suffix in kinds)
    raise ExportFault(
        f"needs what the model was converted from, and no {wanted} lies beside the bundle{there}; "
        "training and `smartcam bundle` keep it there"
    )


def _of_rows(folder: Path, document: bytes) -> ExportedModel:
    """A bundle of rows; its golden rows, and rows mixed of their columns, a little shaken."""
    bundle = RowBundle.open(folder)
    manifest, random = bundle.manifest, np.random.default_rng(1)
    rows = bundle.code.encode(read_golden_rows((bundle.path / manifest.golden.input).read_bytes()))
    columns = np.arange(rows.shape[1])
    made = rows[random.integers(0, len(rows), (_MADE_UP, rows.shape[1])), columns]
    made = (made + _SPREAD * random.standard_normal(made.shape) * rows.std(axis=0)).astype(np.float32)
    inputs = [row[None] for row in np.concatenate((rows, made))]
    own = (bundle.path / ONNX_FILE).read_bytes() if ONNX_FILE in manifest.files else None

    def top(outputs: Sequence[Tensor]) -> int:
        return int(outputs[0].reshape(-1)[0] >= manifest.threshold)

    model = (bundle.path / MODEL_FILE).read_bytes()
    return ExportedModel(manifest.name, manifest.version, model, document, inputs, len(rows), top, manifest.labels, own)


def _top_of(manifest: ModelManifest, outputs: Sequence[TensorSpec]) -> Callable[[Sequence[Tensor]], int]:
    output = manifest.output
    if not isinstance(output, ClassifierOutput):
        reader = reader_of(output, outputs, manifest.input)

        def surest(given: Sequence[Tensor]) -> int:
            found = reader.read(given).classes
            return int(found[0]) if len(found) else -1

        return surest
    shares = ShareReader(output, outputs[0].dtype)
    is_one_of_two = len(manifest.labels) == BOTH and int(np.prod(outputs[0].shape)) == 1

    wanted = outputs[0].dtype

    def likeliest(given: Sequence[Tensor]) -> int:
        read = shares.read(given[0] if given[0].dtype == wanted else _rounded(given[0], wanted))
        return int(read[0] >= 0.5) if is_one_of_two else int(read.argmax())  # noqa: PLR2004 - of two, the likelier

    return likeliest


def _rounded(steps: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """Real numbers in steps, as `in_steps` gives them, as those of 8 bits that they stand for."""
    if dtype.itemsize != 1:
        return steps
    limits = np.iinfo(dtype)
    return np.rint(steps).clip(limits.min, limits.max).astype(dtype)


def real_inputs(exported: ExportedModel) -> list[Tensor]:
    """The inputs as the real numbers that they stand for, float32."""
    given = exported.given
    if not given.scale:
        return [each.astype(np.float32) for each in exported.inputs]
    scale = np.float32(given.scale)
    return [(each.astype(np.float32) - np.float32(given.zero_point)) * scale for each in exported.inputs]


def in_steps(exported: ExportedModel, answers: Answers) -> Answers:
    """Answers in the unit of the original's outputs, where they are real numbers and it gives steps."""
    specs = exported.interpreter.outputs
    return [tuple(_in_steps(each, spec) for each, spec in zip(given, specs, strict=True)) for given in answers]


def _in_steps(real: Tensor, spec: TensorSpec) -> Tensor:
    if not spec.scale or real.dtype != np.float32:
        return real
    return np.asarray(real / np.float32(spec.scale) + np.float32(spec.zero_point))


def about(exported: ExportedModel) -> Mapping[str, object]:
    """What an export says of its source."""
    return {
        "bundle": exported.name,
        "version": exported.version,
        "golden": exported.golden,
        "pictures": len(exported.inputs),
        "labels": list(exported.labels),
    }
