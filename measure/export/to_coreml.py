"""Core ML, for Apple's devices: an ML Program of float16, made and read again here; running it takes a Mac."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from measure.export.judging import judged
from measure.export.original import ExportedModel, in_steps, real_inputs, source_of
from measure.export.parity import Answers, TargetRow
from measure.export.weights import Numbers, WeightsFound, compare_weights
from smartcam.model.manifest import ModelManifest
from smartcam.model.outputs import ClassifierOutput
from tools.child import ExportFault, run_there
from tools.command_line import Say
from tools.setup import setup_coreml, setup_torch
from training.bundle import KERAS_SOURCE, TORCH_SOURCE

MADE_FROM: Final = (KERAS_SOURCE, TORCH_SOURCE)
_WHAT: Final = "coremltools"
_WEIGHTS: Final = "Data/com.apple.CoreML/weights/weight.bin"
_LEAST_AGREEMENT: Final = 0.9
"""Of top labels with the bundle: under it the source beside it is another model's."""


@dataclass(frozen=True, slots=True)
class CoreMLOrder:
    """What an ML Program takes and says. A classifier gives a share for each label; of others the outputs stay.

    A sample p becomes p * scale + bias for each colour. `shares`: how its numbers become shares; None: no classifier.
    """

    width: int
    height: int
    colours: str
    scale: tuple[float, ...]
    bias: tuple[float, ...]
    labels: tuple[str, ...]
    shares: str | None

    @classmethod
    def of(cls, manifest: ModelManifest) -> "CoreMLOrder":
        """As a bundle's manifest has it."""
        taken, output = manifest.input, manifest.output
        scale = tuple(1 / each for each in taken.std)
        bias = tuple(-mean / std for mean, std in zip(taken.mean, taken.std, strict=True))
        shares = str(output.activation) if isinstance(output, ClassifierOutput) else None
        return cls(taken.width, taken.height, str(taken.colours), scale, bias, manifest.labels, shares)

    def as_document(self) -> dict[str, object]:
        """For the process that has coremltools."""
        return {name: getattr(self, name) for name in self.__slots__}


def export_coreml(exported: ExportedModel, folder: Path, say: Say) -> Iterator[TargetRow]:
    """Writes model.mlpackage: an image in, for a classifier a share for each label out.

    The row's answers are its source's, the network with real numbers of which each weight was compared.

    Raises:
        ExportFault: the bundle has no source beside it, or what was written is not what the source is.
        ToolsError: the converter cannot be set up.
    """
    if exported.manifest_of_pictures is None:
        raise ExportFault("a bundle of rows has no pictures, and Core ML is for a camera's: take onnx")
    order = CoreMLOrder.of(exported.manifest_of_pictures)
    source = source_of(exported, MADE_FROM)
    python = setup_coreml(say=say) if source.suffix == KERAS_SOURCE else setup_torch(say=say)
    folder.mkdir()
    package = folder / "model.mlpackage"
    asked, shown, known, read = (folder / name for name in ("order.json", "run.npy", "source.npz", "read.npz"))
    asked.write_text(json.dumps(order.as_document()), encoding="utf-8")
    np.save(shown, np.stack(real_inputs(exported)))
    files = [str(each) for each in (source, asked, shown, package, known)]
    ms = json.loads(run_there(python, "measure.export.making_coreml", files, _WHAT).splitlines()[-1])["ms"]
    # In a process of its own: what is checked is the file, and nothing that the converter still remembers.
    files = [str(each) for each in (package, read)]
    said = json.loads(run_there(python, "measure.export.reading_coreml", files, _WHAT).splitlines()[-1])
    answers, weights = _of_source(known)
    found = compare_weights(weights, [*_arrays(read).values()])
    for each in (asked, shown, known, read):
        each.unlink()
    if faults := [*described_faults(order, said), *found.faults]:
        raise ExportFault(f"the file is not the model: {'; '.join(faults[:3])}")
    yield _row(exported, package, (answers, ms), found)


def described_faults(order: CoreMLOrder, said: Mapping[str, Any]) -> list[str]:
    """What is wrong with a package's description, in words."""
    wanted = {"width": order.width, "height": order.height, "colours": order.colours.upper()}
    if order.shares is not None:
        wanted |= {"labels": [*order.labels], "predicted": "label"}
    return [f"{name} is {said.get(name)}, not {value}" for name, value in wanted.items() if said.get(name) != value]


def _of_source(file: Path) -> tuple[Answers, dict[str, Numbers]]:
    arrays = _arrays(file)
    given = [arrays.pop(name) for name in sorted(name for name in arrays if name.startswith("answers"))]
    return [tuple(output[place] for output in given) for place in range(len(given[0]))], arrays


def _arrays(file: Path) -> dict[str, Numbers]:
    with np.load(file, allow_pickle=False) as read:
        return {name: read[name] for name in read.files}


def _row(exported: ExportedModel, package: Path, ran: tuple[Answers, float], found: WeightsFound) -> TargetRow:
    rounds = bool(exported.given.scale)
    answers = in_steps(exported, ran[0]) if rounds else ran[0]
    notes = {"tensors": found.tensors, "weights": found.numbers, "largest_of_weights": found.largest}
    row = judged(exported, "coreml", package / _WEIGHTS, (answers, None), notes, is_other_arithmetic=rounds)
    if row.difference is not None and row.difference.same_top < _LEAST_AGREEMENT:
        raise ExportFault(
            f"the source beside the bundle is another model: of {row.pictures} pictures it names the same label in "
            f"{row.difference.same_top:.0%}; make both anew"
        )
    said = f"{found.numbers:,} weights are the source's to {found.largest:.1g}; the answers are the source's"
    size = sum(each.stat().st_size for each in package.rglob("*") if each.is_file())
    return replace(row, file=package.name, size=size, said=said)
