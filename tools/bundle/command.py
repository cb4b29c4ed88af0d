"""`smartcam bundle`: make a model bundle from any model file."""

import argparse
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.contract.written import UnreadableText, text_of
from smartcam.model.examine import Colour, Scaling
from smartcam.model.manifest import KINDS_OF_MODELS, ModelKind, Provenance, Thresholds
from smartcam.model.packing import Draft, read_labels, write_bundle
from smartcam.model.signature import sign
from tools.command_line import complain, new_parser

EVENTS_OF_LABELS: Final[Mapping[str, EventKind]] = (
    {"person": EventKind.PERSON, "intruder": EventKind.ANOMALY, "anomaly": EventKind.ANOMALY}
    | dict.fromkeys(("car", "truck", "bus", "motorcycle", "bicycle"), EventKind.VEHICLE)
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


class _WrongInputError(Exception):
    """What the user gave cannot be used; the text says why."""


def main(argv: list[str]) -> int:
    """0: the bundle is written. 1: not, with one line on stderr."""
    options = _parser().parse_args(argv)
    try:
        model = _read(options.model, "model")
        draft = _draft(options, model)
        key = None if options.sign is None else _key(options.sign)
        manifest = write_bundle(options.out, model, draft, key)
    except ContractError as error:
        return complain("bundle", _explain(error, options.labels))
    except ModelIntegrityError as error:
        return complain("bundle", f"{options.model}: {error}")
    except (_WrongInputError, OSError) as error:
        return complain("bundle", error)
    taken = manifest.input
    print(f"{options.out}: {manifest.kind} {manifest.name} {manifest.version}, {len(manifest.labels)} labels")
    print(f"  takes   {taken.dtype} {taken.width}x{taken.height} RGB, (p - {taken.mean[0]:g}) / {taken.std[0]:g}")
    print(f"  raises  {', '.join(f'{label} -> {kind}' for label, kind in manifest.events.items())}")
    print(f"  at      {manifest.thresholds.raise_at:g}, clears at {manifest.thresholds.clear_at:g}")
    print(f"  signed  {'yes' if key is not None else 'no'}")
    return 0


def _explain(error: ContractError, labels: Path) -> str:
    if error.field == "labels":
        return f"{labels}: {error.reason}"
    return f"{error}: give --events LABEL=KIND" if error.field == "events" else str(error)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("bundle", __doc__)
    parser.add_argument("--model", type=Path, required=True, help="the .tflite file")
    parser.add_argument("--kind", choices=[*ModelKind], required=True, help="what the model does")
    parser.add_argument("--labels", type=Path, required=True, help="one label a line, in the model's order")
    parser.add_argument("--out", type=Path, required=True, help="the folder to create")
    parser.add_argument("--name", help="default: the model file's name")
    parser.add_argument("--version", default="0.1.0", help="the bundle's version; default 0.1.0")
    parser.add_argument("--events", help="which label raises what, such as person=person,car=vehicle")
    parser.add_argument("--raise-at", type=float, help="score from which an alarm is raised")
    parser.add_argument("--clear-at", type=float, help="score under which it is cleared")
    parser.add_argument("--min-frames", type=int, default=MIN_FRAMES, help=f"default {MIN_FRAMES}")
    parser.add_argument("--mean", help="mean of a float model's samples, one number or red,green,blue; default 0")
    parser.add_argument("--std", help="deviation of a float model's samples, likewise; default 255")
    parser.add_argument("--licence", default="unknown", help="the model's licence, such as Apache-2.0")
    parser.add_argument("--source", help="where the model comes from; default: the file's name and SHA-256")
    parser.add_argument("--sign", type=Path, help="sign with this Ed25519 private key: PEM, or 32 raw bytes")
    return parser


def _draft(options: argparse.Namespace, model: bytes) -> Draft:
    kind = ModelKind(options.kind)
    labels = read_labels(_text(options.labels), kind)
    default = THRESHOLDS[kind]
    source = options.source or f"{options.model.name}, SHA-256 {hashlib.sha256(model).hexdigest()}"
    return Draft(
        name=options.name or _UNFIT.sub("-", options.model.stem).strip("-._")[:_LONGEST_NAME] or "model",
        version=options.version,
        kind=kind,
        labels=labels,
        events=_events(options.events, labels),
        thresholds=Thresholds(
            raise_at=default.raise_at if options.raise_at is None else options.raise_at,
            clear_at=min(default.clear_at, options.raise_at or 1.0) if options.clear_at is None else options.clear_at,
        ),
        min_frames=options.min_frames,
        licence=options.licence,
        provenance=Provenance(source=source, command=f"smartcam bundle --kind {kind}"),
        scaling=_scaling(options.mean, options.std),
    )


def _events(text: str | None, labels: tuple[str, ...]) -> dict[str, EventKind]:
    if text is None:
        return {label: EVENTS_OF_LABELS[label] for label in labels if label in EVENTS_OF_LABELS}
    return dict(_event(pair) for pair in text.split(","))


def _event(pair: str) -> tuple[str, EventKind]:
    label, _, kind = pair.rpartition("=")
    if not label or kind.strip() not in KINDS_OF_MODELS:
        raise _WrongInputError(f"--events {pair}: must be LABEL=KIND with a kind of {', '.join(KINDS_OF_MODELS)}")
    return label.strip(), EventKind(kind.strip())


def _scaling(mean: str | None, std: str | None) -> Scaling | None:
    if mean is None and std is None:
        return None
    default = Scaling()
    return Scaling(
        default.mean if mean is None else _colour("--mean", mean), default.std if std is None else _colour("--std", std)
    )


def _colour(option: str, text: str) -> Colour:
    try:
        numbers = [float(part) for part in text.split(",")]
        red, green, blue = numbers * 3 if len(numbers) == 1 else numbers
    except ValueError as error:
        raise _WrongInputError(f"{option} {text}: must be one number, or three with commas") from error
    if option == "--std" and 0 in (red, green, blue):
        raise _WrongInputError(f"{option} {text}: must not be 0")
    return red, green, blue


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _WrongInputError(f"{path}: the {what} file cannot be read ({error.strerror})") from error


def _key(path: Path) -> bytes:
    key = _read(path, "key")
    try:
        sign(b"", key)
    except ModelIntegrityError as error:
        raise _WrongInputError(f"{path}: {error}") from error
    return key


def _text(path: Path) -> str:
    try:
        return text_of(_read(path, "label"))
    except UnreadableText as error:
        raise _WrongInputError(error.within(path)) from error
