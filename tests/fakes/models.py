"""Tiny .tflite models, built number by number: what they answer follows from the mean colour they are shown."""

import importlib.util
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import cache
from pathlib import Path

SIDE = 8
SQUARE_SIDE = 64
"""Of the pictures that the networks for squares take."""
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a tiny detector sees: a box (shares), a class, and weights of red, green and blue with a bias."""

    box: tuple[float, float, float, float]
    label: int
    weights: tuple[float, float, float, float]


RED_OBJECT = Sight((0.25, 0.25, 0.75, 0.75), 0, (16, -8, -8, -4))
GREEN_OBJECT = Sight((0.5, 0.0, 1.0, 0.5), 1, (-8, 16, -8, -4))


def classifier(kind: str = "uint8", labels: int = 2, *, logits: bool = False) -> bytes:
    """Label 1's share grows with red; the input and, for a quantised kind, the output are of that kind."""
    return _made(json.dumps({"kind_of_model": "classifier", "kind": kind, "labels": labels, "logits": logits}))


def detector(
    sights: Sequence[Sight] = (RED_OBJECT, GREEN_OBJECT), kind: str = "uint8", order: str = "boxes classes scores count"
) -> bytes:
    """Each sight has its box always, and a score that follows from the mean colour."""
    rows = [astuple(sight) for sight in sights]
    return _made(json.dumps({"kind_of_model": "detector", "sights": rows, "kind": kind, "order": order}))


@dataclass(frozen=True, slots=True)
class Square:
    """A network that finds the one bright square in a picture, as a real one would, and says it in its own way.

    The square is a `person` (class 0) as far as it is more red than blue, otherwise class 1. `head` is `ssd`, `yolo` or
    `yolox`; `kind` the input's type, `given` the outputs', and `half` stores weights as float16. `outputs` names the
    parts of each output, in order: `boxes objectness scores` in one, or each in its own. `count` is how many candidates
    there are, `classes` of how many classes. With `columns` each candidate is a column; `corners` instead of centres;
    `axes` is the order of a box's numbers, `pixels` their unit. Below `threshold` nothing is counted, and `several`
    gives each box once for each class.
    """

    head: str
    kind: str = "float32"
    given: str = "float32"
    outputs: tuple[str, ...] = ("boxes", "classes", "scores", "count")
    count: int = 10
    classes: int = 2
    axes: str = "yx"
    columns: bool = False
    corners: bool = False
    pixels: bool = False
    half: bool = False
    logits: bool = False
    several: bool = False
    threshold: float = 0.0
    named: bool = False


def custom(
    operator: str, order: Sequence[int] = (0, 1, 2, 3), options: Mapping[str, float | str] | None = None
) -> bytes:
    """A model of one operator that no runtime here has; `order` is that of its four outputs among the model's."""
    wanted = {"kind_of_model": "custom", "operator": operator, "order": [*order], "options": options}
    return _made(json.dumps(wanted))


def square(wanted: Square) -> bytes:
    """The network's file."""
    return _made(json.dumps({"kind_of_model": "square", **asdict(wanted)}))


def dense(
    mean: Sequence[float],
    deviation: Sequence[float],
    layers: Sequence[tuple[Sequence[Sequence[float]], Sequence[float]]],
    *,
    logits: bool = False,
) -> bytes:
    """A network for rows: scaled by mean and deviation, then layers of weights (in, out) and a bias."""
    wanted = {"mean": [*mean], "deviation": [*deviation], "layers": [*layers], "logits": logits}
    return _made(json.dumps({"kind_of_model": "dense", **wanted}))


@cache
def _made(wanted: str) -> bytes:
    if importlib.util.find_spec("ai_edge_litert") is not None:
        from tests.fakes import model_maker  # noqa: PLC0415  only there is the schema of the format

        return model_maker.made(json.loads(wanted))
    # An environment with tflite-runtime alone lets the main one build its models.
    command = [str(_ROOT / ".venv/bin/python"), "-m", "tests.fakes.model_maker"]
    return subprocess.run(command, input=wanted.encode(), stdout=subprocess.PIPE, cwd=_ROOT, check=True).stdout
