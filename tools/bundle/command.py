"""`smartcam bundle`: make a model bundle from any model file."""

import argparse
from pathlib import Path

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind
from smartcam.model.examine import Colour
from smartcam.model.manifest import ModelKind
from tools.bundle.labels import events_of
from tools.bundle.making import MIN_FRAMES, BundleError, BundleWishes, Made, make_bundle
from tools.command_line import complain, new_parser


def main(argv: list[str]) -> int:
    """0: the bundle is written. 1: not, with one line on stderr."""
    options = _parser().parse_args(argv)
    try:
        made = make_bundle(_wishes(options), options.out)
    except BundleError as error:
        return complain("bundle", error)
    _report(made, options)
    return 0


def _report(made: Made, options: argparse.Namespace) -> None:
    manifest, taken = made.manifest, made.manifest.input
    print(f"{options.out}: {manifest.kind} {manifest.name} {manifest.version}, {len(manifest.labels)} labels")
    print(f"  takes   {taken.dtype} {taken.width}x{taken.height} RGB, (p - {taken.mean[0]:g}) / {taken.std[0]:g}")
    print(f"  raises  {', '.join(f'{label} -> {kind}' for label, kind in manifest.events.items())}")
    print(f"  at      {manifest.thresholds.raise_at:g}, clears at {manifest.thresholds.clear_at:g}")
    print(f"  signed  {'yes' if options.sign is not None else 'no'}")
    for sentence in made.said:
        print(f"  {sentence}")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("bundle", __doc__)
    parser.add_argument("--model", type=Path, required=True, help="the .tflite file")
    parser.add_argument("--kind", choices=[*ModelKind], required=True, help="what the model does")
    parser.add_argument(
        "--labels",
        type=Path,
        help="a label file in any usual form, or coco for the built-in names; default: those inside the model",
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to create")
    parser.add_argument("--name", help="default: the model file's name")
    parser.add_argument("--version", default="0.1.0", help="the bundle's version; default 0.1.0")
    parser.add_argument(
        "--events", action="append", help="which label raises what, such as person=person,car=vehicle; may be repeated"
    )
    parser.add_argument("--raise-at", type=float, help="score from which an alarm is raised")
    parser.add_argument("--clear-at", type=float, help="score under which it is cleared")
    parser.add_argument("--min-frames", type=int, default=MIN_FRAMES, help=f"default {MIN_FRAMES}")
    parser.add_argument("--mean", help="mean of a float model's samples, one number or red,green,blue; default 0")
    parser.add_argument("--std", help="deviation of a float model's samples, likewise; default 255")
    parser.add_argument("--licence", default="unknown", help="the model's licence, such as Apache-2.0")
    parser.add_argument("--source", help="where the model comes from; default: the file's name and SHA-256")
    parser.add_argument("--sign", type=Path, help="sign with this Ed25519 private key: PEM, or 32 raw bytes")
    return parser


def _wishes(options: argparse.Namespace) -> BundleWishes:
    return BundleWishes(
        model=options.model,
        labels=options.labels,
        kind=ModelKind(options.kind),
        events=None if options.events is None else _events(options.events),
        raise_at=options.raise_at,
        clear_at=options.clear_at,
        min_frames=options.min_frames,
        mean=None if options.mean is None else _colour("--mean", options.mean),
        std=None if options.std is None else _colour("--std", options.std),
        name=options.name,
        version=options.version,
        licence=options.licence,
        source=options.source,
        sign=options.sign,
    )


def _events(texts: list[str]) -> dict[str, EventKind]:
    try:
        return events_of(texts)
    except ContractError as error:
        raise BundleError(str(error)) from error


def _colour(option: str, text: str) -> Colour:
    try:
        numbers = [float(part) for part in text.split(",")]
        red, green, blue = numbers * 3 if len(numbers) == 1 else numbers
    except ValueError as error:
        raise BundleError(f"{option} {text}: must be one number, or three with commas") from error
    if option == "--std" and 0 in (red, green, blue):
        raise BundleError(f"{option} {text}: must not be 0")
    return red, green, blue
