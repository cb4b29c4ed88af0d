"""Makes a bundle from a model file and what its user wishes: behind `smartcam bundle` and `smartcam model get`."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.contract.written import UnreadableText
from smartcam.model.bundle import LARGEST_BUNDLE
from smartcam.model.examine import Examined, examine
from smartcam.model.examining.trial import Colour, Wishes
from smartcam.model.interpreter import open_interpreter
from smartcam.model.manifest import Colours, Fit, ModelKind, ModelManifest, Provenance, Thresholds
from smartcam.model.outputs import Activation, Axes, BoxForm, BoxUnit, HeadName
from smartcam.model.packing import Draft, write_bundle
from smartcam.model.signature import sign
from tools.bundle.graph import counted_classes, post_processing, refuse_compiled
from tools.bundle.label_list import LabelList
from tools.bundle.labels import contradictions, find_labels, fit, possible_counts
from tools.bundle.picture import read_picture
from tools.recipes.keys import nearest

EVENTS_OF_LABELS: Final[Mapping[str, EventKind]] = (
    {"person": EventKind.PERSON, "intruder": EventKind.ANOMALY, "anomaly": EventKind.ANOMALY}
    | dict.fromkeys(("car", "truck", "bus", "motorcycle", "motorbike", "bicycle"), EventKind.VEHICLE)
    | dict.fromkeys(
        ("cat", "dog", "bird", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"), EventKind.ANIMAL
    )
)
# Measured with the COCO SSD on footage with and without people, three frames each: docs/design/bundle.md.
THRESHOLDS: Final[Mapping[ModelKind, Thresholds]] = {
    ModelKind.DETECTOR: Thresholds(raise_at=0.6, clear_at=0.4),
    ModelKind.CLASSIFIER: Thresholds(raise_at=0.7, clear_at=0.4),
}
MIN_FRAMES: Final = 3
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME: Final = 64
_WISHES_OF_FIELDS: Final = {
    "thresholds.raise_at": "raise_at",
    "thresholds.clear_at": "clear_at",
    "input.pad": "pad",
    "provenance.source": "source",
}
"""Where a wish is not called as the manifest's field."""


class BundleError(Exception):
    """No bundle can be made of what was given; the text is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class BundleWishes:
    """What a user says about a model; what is None is found out, or has a default.

    `labels` is a file, or `coco` for the names that are built in; None: those inside the model. `events` is the kind of
    event that each label raises; `outputs` the index of the output that holds each part; `mean` and `std` scale a float
    model's samples; `sign` is the file of an Ed25519 private key; `golden` a picture of something that the model knows;
    `size` the width and height of a model that leaves them open; `background`: its class 0 is no object;
    `sha256` what the model's bytes must have, checked on those that are used; `converted` the model where the file
    holds another form of it.
    """

    model: Path
    labels: Path | None
    kind: ModelKind | None = None
    head: HeadName | None = None
    outputs: Mapping[str, int] = field(default_factory=dict)
    unit: BoxUnit | None = None
    form: BoxForm | None = None
    axes: Axes | None = None
    activation: Activation | None = None
    colours: Colours | None = None
    fit: Fit | None = None
    pad: int | None = None
    events: Mapping[str, EventKind] | None = None
    raise_at: float | None = None
    clear_at: float | None = None
    min_frames: int = MIN_FRAMES
    mean: Colour | None = None
    std: Colour | None = None
    name: str | None = None
    version: str = "0.1.0"
    licence: str = "unknown"
    source: str | None = None
    sign: Path | None = None
    golden: Path | None = None
    size: tuple[int, int] | None = None
    background: bool = False
    sha256: str | None = None
    converted: bytes | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that was written; `said` are sentences for the user about what was found out."""

    manifest: ModelManifest
    said: tuple[str, ...] = ()


def make_bundle(wishes: BundleWishes, out: Path) -> Made:
    """Writes a bundle into the new folder `out`, which appears whole or not at all.

    Raises:
        BundleError: with one sentence that names the file or the option.
    """
    try:
        model = read_model(wishes.model) if wishes.converted is None else wishes.converted
        digest = hashlib.sha256(model).hexdigest()
        if wishes.sha256 not in (None, digest):
            raise BundleError(f"{wishes.model}: is not the file that is meant: its SHA-256 is {digest}")
        refuse_compiled(model, wishes.model.name)
        if wishes.labels is None:
            open_interpreter(model, size=wishes.size)  # of what is no model nobody should have to name the labels
        key = None if wishes.sign is None else _key(wishes.sign)
        golden = None if wishes.golden is None else read_picture(wishes.golden)
        found = _labels(wishes, model)
        examined = _examined(wishes, model, possible_counts(found), golden)
        _check_size(wishes, examined)
        fitted = fit(found, examined.classes, examined.head, examined.seen, background=wishes.background)
        said = [*fitted.said, *examined.said]
        if wishes.labels is not None:
            said += contradictions(fitted.labels, model, examined.head)
        draft = replace(_draft(wishes, model, examined, fitted.labels), golden=golden)
        manifest = write_bundle(out, model, draft, key, said.append)
        return Made(manifest, tuple(said))
    except ContractError as error:
        raise BundleError(_explain(error, wishes)) from error
    except ModelIntegrityError as error:
        raise BundleError(f"{wishes.model}: {error}") from error
    except OSError as error:
        fault = f"{out}: cannot be written ({error.strerror}); make room, or" if error.strerror else f"{error}:"
        raise BundleError(f"{fault} name another folder with --out") from error


def _explain(error: ContractError, wishes: BundleWishes) -> str:
    """In the user's words: what was said on the command line, not the manifest's field that it would have become."""
    if error.field == "labels":
        return f"{wishes.labels or wishes.model}: {error.reason}"
    if error.field == "events":
        return f"{error}: give --events LABEL=KIND"
    wish = _WISHES_OF_FIELDS.get(error.field, error.field)
    value = getattr(wishes, wish, None)
    return str(error) if value is None else f"--{wish.replace('_', '-')} {value}: {error.reason}"


def _kind(examined: Examined) -> ModelKind:
    return ModelKind.CLASSIFIER if examined.head is HeadName.CLASSIFIER else ModelKind.DETECTOR


def _labels(wishes: BundleWishes, model: bytes) -> LabelList:
    where = wishes.labels or wishes.model
    try:
        return find_labels(wishes.labels, model)
    except UnreadableText as error:
        raise BundleError(error.within(where)) from error
    except OSError as error:
        raise BundleError(f"{where}: the label file cannot be read ({error.strerror})") from error


def _examined(wishes: BundleWishes, model: bytes, labels: frozenset[int], golden: NDArray[np.uint8] | None) -> Examined:
    said = Wishes(
        kind=wishes.kind,
        head=wishes.head,
        labels=labels,
        outputs=wishes.outputs,
        post_processing=post_processing(model),
        counted_classes=counted_classes(model),
        background=wishes.background,
        unit=wishes.unit,
        form=wishes.form,
        axes=wishes.axes,
        activation=wishes.activation,
        mean=wishes.mean,
        std=wishes.std,
        colours=wishes.colours,
        fit=wishes.fit,
        pad=wishes.pad,
    )
    pictures = () if golden is None else (golden,)
    return examine(open_interpreter(model, size=wishes.size), pictures, said)


def _check_size(wishes: BundleWishes, examined: Examined) -> None:
    taken = examined.input
    if wishes.size is not None and wishes.size != (taken.width, taken.height):
        width, height = wishes.size
        raise BundleError(f"--size {width}x{height}: the model takes {taken.width}x{taken.height} and nothing else")


def _draft(wishes: BundleWishes, model: bytes, examined: Examined, labels: tuple[str, ...]) -> Draft:
    kind = _kind(examined)
    source = wishes.source or f"{wishes.model.name}, SHA-256 {hashlib.sha256(model).hexdigest()}"
    return Draft(
        name=wishes.name or _UNFIT.sub("-", wishes.model.stem).strip("-._")[:_LONGEST_NAME] or "model",
        version=wishes.version,
        kind=kind,
        labels=labels,
        events=_events_of(labels) if wishes.events is None else _known(wishes.events, labels),
        thresholds=_thresholds(wishes, kind),
        min_frames=wishes.min_frames,
        licence=wishes.licence,
        provenance=Provenance(source=source, command=f"smartcam bundle --head {examined.head}"),
        examined=examined,
    )


def _events_of(labels: tuple[str, ...]) -> dict[str, EventKind]:
    known = ((label, EVENTS_OF_LABELS.get(label.casefold())) for label in labels)
    return {label: kind for label, kind in known if kind is not None}


def _known(events: Mapping[str, EventKind], labels: tuple[str, ...]) -> Mapping[str, EventKind]:
    for label in events:
        if label not in labels:
            meant = nearest(label, labels)
            hint = meant if meant.endswith("?") else ""  # all of them may be two thousand
            raise BundleError(f"--events {label}: is not one of the {len(labels)} labels{hint}")
    return events


def _thresholds(wishes: BundleWishes, kind: ModelKind) -> Thresholds:
    default = THRESHOLDS[kind]
    return Thresholds(
        raise_at=default.raise_at if wishes.raise_at is None else wishes.raise_at,
        clear_at=min(default.clear_at, wishes.raise_at or 1.0) if wishes.clear_at is None else wishes.clear_at,
    )


def read_model(path: Path) -> bytes:
    """The bytes of a model's file. Raises BundleError where it cannot be read, or is larger than a bundle may be."""
    return _read(path, "model")


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BUNDLE + 1)
    except OSError as error:
        raise BundleError(f"{path}: the {what} file cannot be read ({error.strerror})") from error
    if len(content) > LARGEST_BUNDLE:
        largest = f"{LARGEST_BUNDLE >> 20} MiB that a bundle may have"
        raise BundleError(f"{path}: the {what} file has more than the {largest}")
    return content


def _key(path: Path) -> bytes:
    key = _read(path, "key")
    try:
        sign(b"", key)
    except ModelIntegrityError as error:
        raise BundleError(f"{path}: {error}") from error
    return key
