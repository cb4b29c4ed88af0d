"""The labels of a model: read from a file as people have them, and fitted to the model's classes; all is said."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind
from smartcam.contract.written import UnreadableText
from smartcam.model.manifest import KINDS_OF_MODELS
from tools.bundle.coco import COCO_80, COCO_90, COCO_PLACES, NAMELESS, coco_names, nameless
from tools.bundle.label_forms import labels_of
from tools.bundle.label_list import MOST_BYTES, LabelList
from tools.bundle.metadata import labels_inside

BUILT_IN: Final = "coco"
"""`--labels coco`: the names of COCO, counted as the model counts them."""
_BACKGROUND: Final = re.compile(r"(?:background|bg|unlabell?ed|none|void|noobject)(?:class|label)?")
_SSD: Final = "ssd"
_CLASSIFIER: Final = "classifier"

_SPREAD: Final = f"COCO's 80 names stand at the places of their ids among the model's classes, with {NAMELESS} between"
_UNSAID: Final = (
    "the model does not say how many classes it has; SSDs count COCO's 90, and its 80 names stand at the places of "
    f"their ids among them. If yours counts 80, add {NAMELESS} as the last line"
)


@dataclass(frozen=True, slots=True)
class FittedLabels:
    """One label for each class of a model, and the sentences for the user about how they were found."""

    labels: tuple[str, ...]
    said: tuple[str, ...]


def read_label_file(path: Path) -> LabelList:
    """The labels in a file in any of the usual forms.

    Raises:
        OSError: it cannot be read.
        UnreadableText: it holds no labels that can be used.
    """
    with path.open("rb") as file:
        return labels_of(file.read(MOST_BYTES + 1))


def find_labels(wish: Path | None, model: bytes) -> LabelList:
    """The labels that a user names: a file, or `coco` for the names that are built in; None: those inside the model.

    Raises:
        OSError: the file cannot be read.
        UnreadableText: it, or the model, holds no labels that can be used.
    """
    if wish is None:
        inside = labels_inside(model)
        if inside is None:
            raise UnreadableText(f"has no labels inside; give a file with --labels, or --labels {BUILT_IN}")
        return inside
    if wish == Path(BUILT_IN) and not wish.exists():
        return LabelList(COCO_80, ("COCO's names are built in",))
    return read_label_file(wish)


def fit(
    read: LabelList,
    classes: int | None,
    head: str,
    seen: frozenset[int] = frozenset(),
    *,
    background: bool = False,
) -> FittedLabels:
    """One label for each class. `classes` is how many the model has, None where it does not say; `head` how it answers.

    The classes of an SSD with post-processing count from the first object, unless those that were `seen` count from 1,
    or the user says with `background` that class 0 is none; a classifier's from the background, where it has one.

    Raises:
        ContractError: with both numbers, if there are more or fewer labels than classes.
    """
    ways = [*(_behind_background if background else _ways)(read, classes, head)]
    ways = _as_seen(ways, seen) if classes is None else [way for way in ways if len(way.labels) == classes]
    if ways and any(not nameless(label) for label in ways[0].labels):
        return FittedLabels(ways[0].labels, (*read.said, *ways[0].said))
    if classes is None or not read.labels:
        raise ContractError("labels", "has no labels but the background's; it needs one for each class")
    raise _of_another_number(len(read.labels), classes, head)


def _of_another_number(count: int, classes: int, head: str) -> ContractError:
    reason = f"has {count} label{'s' * (count != 1)}, but the model has {classes} class{'es' * (classes != 1)}"
    remedy = f"give one label for each class, in the model's order, and {NAMELESS} for a class without a name"
    hint = "; is the first class the background? Then make `background` the first line"
    return ContractError("labels", f"{reason}; {remedy}{hint if classes == count + 1 and head != _SSD else ''}")


def _as_seen(ways: list[FittedLabels], seen: frozenset[int]) -> list[FittedLabels]:
    """The ways that fit a model that names a class beyond the labels and never 0, if there are such; else all."""
    if not ways or not seen or 0 in seen or max(seen) < len(ways[0].labels):
        return ways
    said = f"the model names class {max(seen)} and never 0: class 0 is the background"
    return [replace(way, said=(*way.said, said)) for way in ways if _counts_from_one(way, max(seen))] or ways


def contradictions(labels: Sequence[str], model: bytes, head: str) -> Iterator[str]:
    """What speaks against a user's labels, one for each class, in those inside the model; a sentence if anything."""
    try:
        inside = labels_inside(model)
        theirs = () if inside is None else fit(inside, len(labels), head).labels
    except UnreadableText:
        return
    except ContractError as error:
        yield f"the labels inside the model are others: {error.reason.partition(';')[0]}; yours are taken"
        return
    pairs = [*zip(labels, theirs, strict=False)]
    other = [place for place, (one, two) in enumerate(pairs) if not nameless(two) and one.casefold() != two.casefold()]
    if other:
        one, two = pairs[other[0]]
        yield f"the model itself names class {other[0]} {two!r}, your labels {one!r}; yours are taken"


def _behind_background(read: LabelList, classes: int | None, head: str) -> Iterator[FittedLabels]:
    """The ways in which the labels may be meant if class 0 is the background, whether they name it or not."""
    if _is_background(read.labels[0]):
        blank = frozenset(place - 1 for place in read.blank if place)
        read = replace(read, labels=read.labels[1:], blank=blank)
    if not read.labels:
        return
    for way in _ways(read, classes, head):
        yield FittedLabels((NAMELESS, *way.labels), (*way.said, "class 0 is the background, as you say"))


def _counts_from_one(way: FittedLabels, highest: int) -> bool:
    return _is_background(way.labels[0]) and len(way.labels) > highest


def possible_counts(read: LabelList) -> frozenset[int]:
    """Each number of classes that the labels can be fitted to: what tells an output of classes from others."""
    return frozenset(len(way.labels) for head in (_SSD, _CLASSIFIER) for way in _ways(read, None, head))


def _ways(read: LabelList, classes: int | None, head: str) -> Iterator[FittedLabels]:
    """The ways in which the labels may be meant, the likeliest first."""
    whole = read.labels
    core = whole[1:] if _is_background(whole[0]) else whole
    coco = coco_names(core)
    # With or without blank lines; who writes ??? has thought of places.
    if coco and classes is None and head == _SSD and len(core) - len(read.blank - {0}) == len(COCO_80):
        yield FittedLabels(_spread(coco), (_UNSAID,))
    yield from _with_and_without_first(whole, core, head)
    if read.blank:
        full = tuple(label for place, label in enumerate(whole) if place not in read.blank)
        yield FittedLabels(full, ("without its blank lines the file has one label for each class: they were left out",))
    if read.from_one and head == _CLASSIFIER:
        yield FittedLabels(("background", *whole), ("the numbers begin with 1: class 0 is the background",))
    if coco:
        yield FittedLabels(coco, ("the model counts COCO's 80 classes: the other places were left out",))
        yield FittedLabels(_spread(coco), (_SPREAD,))
        yield FittedLabels((NAMELESS, *_spread(coco)), (f"{_SPREAD}; class 0 is the background",))


def _with_and_without_first(whole: tuple[str, ...], core: tuple[str, ...], head: str) -> tuple[FittedLabels, ...]:
    """All labels, and those behind the background if there is one: which comes first depends on the head."""
    kept = FittedLabels(whole, ())
    said = f"the first label, {whole[0]!r}, was left out: the classes count from the first object"
    without = FittedLabels(core, (said,))
    return (without, kept) if head == _SSD and core != whole else (kept, without)


def _spread(names: Sequence[str]) -> tuple[str, ...]:
    """The 80 names at the places of their ids."""
    places = dict(zip(COCO_PLACES, names, strict=True))
    return tuple(places.get(place, NAMELESS) for place in range(len(COCO_90)))


def _is_background(label: str) -> bool:
    letters = "".join(letter for letter in label.casefold() if letter.isalnum())
    return nameless(label) or _BACKGROUND.fullmatch(letters) is not None


def events_of(texts: Sequence[str]) -> dict[str, EventKind]:
    """What `--events` says, once or several times: `LABEL=KIND`, or several with commas.

    A label may have commas itself: a pair ends where a kind does.

    Raises:
        ContractError: with the pair that is wrong, or a label that raises two kinds.
    """
    events: dict[str, EventKind] = {}
    for text in texts:
        for label, kind in _pairs(text):
            if events.setdefault(label, kind) is not kind:
                raise ContractError(f"--events {label}", f"cannot raise both {events[label]} and {kind}")
    return events


def _pairs(text: str) -> Iterator[tuple[str, EventKind]]:
    held = ""
    for part in text.split(","):
        held = f"{held},{part}" if held else part
        label, equals, kind = held.rpartition("=")
        if not equals:
            continue
        if not label.strip() or kind.strip() not in KINDS_OF_MODELS:
            break
        yield " ".join(label.split()), EventKind(kind.strip())
        held = ""
    if held or not text.strip():
        raise ContractError(f"--events {held}", f"must be LABEL=KIND with a kind of {', '.join(KINDS_OF_MODELS)}")
