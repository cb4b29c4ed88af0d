"""`smartcam bundle`: make a model bundle from any model file."""

import argparse
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind
from smartcam.model.examining.trial import Colour
from smartcam.model.manifest import LARGEST_SIDE, Colours, Fit, ModelKind
from smartcam.model.outputs import LARGEST_NUMBER, SMALLEST_DIVISOR, Activation, Axes, BoxForm, BoxUnit, HeadName
from tools.bundle.labels import events_of
from tools.bundle.making import MIN_FRAMES, BundleError, BundleWishes, Made
from tools.bundle.torch_file import made_of
from tools.command_line import complain, new_parser, say

_WORDS: Final = (*BoxUnit, *BoxForm, *Axes)
_PLACE: Final = re.compile("[0-9]{1,2}")
_PARTS: Final = ("boxes", "objectness", "classes", "scores", "count")
Word = TypeVar("Word", bound=StrEnum)


def main(argv: list[str]) -> int:
    """0: the bundle is written. 1: not, with one line on stderr."""
    options = _parser().parse_args(argv)
    try:
        made = made_of(_wishes(options), options.out, say)
    except BundleError as error:
        return complain("bundle", error)
    _report(made, options)
    return 0


def _report(made: Made, options: argparse.Namespace) -> None:
    manifest, taken = made.manifest, made.manifest.input
    print(f"{options.out}: {manifest.kind} {manifest.name} {manifest.version}, {len(manifest.labels)} labels")
    print(
        f"  takes   {taken.dtype} {taken.width}x{taken.height} {taken.colours.upper()}, "
        f"(p - {taken.mean[0]:g}) / {taken.std[0]:g}, {taken.fit}"
    )
    print(f"  raises  {', '.join(f'{label} -> {kind}' for label, kind in manifest.events.items())}")
    print(f"  at      {manifest.thresholds.raise_at:g}, clears at {manifest.thresholds.clear_at:g}")
    print(f"  signed  {'yes' if options.sign is not None else 'no'}")
    for sentence in made.said:
        print(f"  found   {sentence}")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("bundle", __doc__)
    parser.add_argument("--model", type=Path, required=True, help="the .tflite or .onnx file, or a .pt2 of PyTorch")
    parser.add_argument(
        "--kind", choices=[*map(str, ModelKind)], help="what the model does; default: found by running it"
    )
    parser.add_argument(
        "--head", choices=[*map(str, HeadName)], help="how the model answers; default: found by running it"
    )
    parser.add_argument(
        "--outputs", help="which output holds what, from 0: boxes=0,classes=1,scores=2,count=3, or boxes=0,scores=1"
    )
    parser.add_argument("--boxes", help=f"what boxes are, with commas: {', '.join(_WORDS)}")
    parser.add_argument(
        "--scores", choices=[*map(str, Activation)], help="what scores are; default: found by running it"
    )
    parser.add_argument(
        "--fit", choices=[*map(str, Fit)], help="how pictures come to the model's size; default: as it was trained"
    )
    parser.add_argument("--pad", type=int, help="the grey around a letterboxed picture, 0 to 255; default 114")
    parser.add_argument("--colours", choices=[*map(str, Colours)], help="default: bgr for a yolox, else rgb")
    parser.add_argument(
        "--labels", type=Path, help="a label file, or coco for the built-in names; default: those inside the model"
    )
    parser.add_argument(
        "--background", action="store_true", help="class 0 is the background: the objects' classes count from 1"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to create")
    parser.add_argument("--name", help="default: the model file's name")
    parser.add_argument("--version", default="0.1.0", help="the bundle's version; default 0.1.0")
    parser.add_argument(
        "--events", action="append", help="which label raises what: person=person,car=vehicle; may be repeated"
    )
    parser.add_argument("--raise-at", type=_finite, help="score from which an alarm is raised")
    parser.add_argument("--clear-at", type=_finite, help="score under which it is cleared")
    parser.add_argument("--min-frames", type=int, default=MIN_FRAMES, help=f"default {MIN_FRAMES}")
    parser.add_argument("--mean", help="mean of a float model's samples, one number or red,green,blue; default 0")
    parser.add_argument("--std", help="deviation of a float model's samples, likewise; default 255")
    parser.add_argument(
        "--golden", type=Path, help="a JPEG or PNG with an object that the model knows, large and whole"
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="the pictures' size, for a model that leaves it open")
    parser.add_argument("--licence", default="unknown", help="the model's licence, such as Apache-2.0")
    parser.add_argument("--source", help="where the model comes from; default: the file's name and SHA-256")
    parser.add_argument("--sign", type=Path, help="sign with this Ed25519 private key: PEM, or 32 raw bytes")
    return parser


def _wishes(options: argparse.Namespace) -> BundleWishes:
    return BundleWishes(
        model=options.model,
        labels=options.labels,
        kind=None if options.kind is None else ModelKind(options.kind),
        head=None if options.head is None else HeadName(options.head),
        outputs=_outputs(options.outputs),
        unit=_chosen(options.boxes, BoxUnit),
        form=_chosen(options.boxes, BoxForm),
        axes=_chosen(options.boxes, Axes),
        activation=None if options.scores is None else Activation(options.scores),
        colours=None if options.colours is None else Colours(options.colours),
        fit=None if options.fit is None else Fit(options.fit),
        pad=options.pad,
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
        golden=options.golden,
        size=options.size,
        background=options.background,
    )


def _outputs(text: str | None) -> Mapping[str, int]:
    outputs: dict[str, int] = {}
    for pair in text.split(",") if text else ():
        name, _, place = (part.strip() for part in pair.partition("="))
        if name not in _PARTS or name in outputs or not _PLACE.fullmatch(place):
            raise BundleError(f"--outputs {text}: must be PART=NUMBER with parts of {', '.join(_PARTS)}, each once")
        outputs[name] = int(place)
    return outputs


def _chosen(text: str | None, words: type[Word]) -> Word | None:
    """The word of this kind in `--boxes`; None if there is none."""
    given = [word.strip() for word in text.split(",")] if text else []
    found = [word for word in given if word in [*words]]
    if any(word not in _WORDS for word in given) or len(found) > 1:
        raise BundleError(f"--boxes {text}: must be of {', '.join(_WORDS)}, one of each pair")
    return words(found[0]) if found else None


def _events(texts: list[str]) -> dict[str, EventKind]:
    try:
        return events_of(texts)
    except ContractError as error:
        raise BundleError(str(error)) from error


def _finite(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of 0 to 1")
    return number


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 0 < int(width) <= LARGEST_SIDE >= int(height) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} must be WIDTHxHEIGHT in pixels, at most {LARGEST_SIDE} each")
    return int(width), int(height)


def _colour(option: str, text: str) -> Colour:
    try:
        numbers = [float(part) for part in text.split(",")]
        red, green, blue = numbers * 3 if len(numbers) == 1 else numbers
    except ValueError as error:
        raise BundleError(f"{option} {text}: must be one number, or three with commas") from error
    if not all(abs(number) <= LARGEST_NUMBER for number in (red, green, blue)):
        raise BundleError(f"{option} {text}: must be within {LARGEST_NUMBER:g}")
    if option == "--std" and min(map(abs, (red, green, blue))) < SMALLEST_DIVISOR:
        raise BundleError(f"{option} {text}: must not be 0")
    return red, green, blue
