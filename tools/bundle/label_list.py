"""A list of labels as it was read, and the rules that hold for it whatever file it comes from."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from smartcam.contract.written import UnreadableText
from smartcam.model.manifest import LONGEST_LABEL, MOST_LABELS
from tools.bundle.coco import NAMELESS, nameless

MOST_BYTES: Final = 256_000
"""Of a label file: a hundred times the usual one, and still read in less than a second."""
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class LabelList:
    """Labels in the order of their file; `said` are sentences for the user about how it was understood.

    `from_one`: the file numbers them, and has no 0. `blank`: the places where the file has a blank line.
    """

    labels: tuple[str, ...]
    said: tuple[str, ...] = ()
    from_one: bool = False
    blank: frozenset[int] = frozenset()


def listed(
    names: Sequence[str], said: Sequence[str] = (), *, from_one: bool = False, blank: Collection[int] = ()
) -> LabelList:
    """A list of names as a manifest can hold them: one space between words, `???` for none, none too long.

    Raises:
        UnreadableText: there is none, are too many, or one holds a character that cannot be shown.
    """
    if len(names) > MOST_LABELS:
        raise UnreadableText(
            f"has {len(names)} labels; at most {MOST_LABELS} can be used. Is it the file that you mean?"
        )
    tidy = [" ".join(name.split()) or NAMELESS for name in names]
    if all(nameless(name) for name in tidy):
        raise UnreadableText("has no labels; it needs one per line")
    for name in tidy:
        odd = next((letter for letter in name if not letter.isprintable()), None)
        if odd is not None:
            shown = f"{name[:LONGEST_LABEL]!a} holds the character U+{ord(odd):04X}"
            raise UnreadableText(f"the label {shown}, which cannot be shown; take it out")
    short = tuple(_shortened(name) for name in tidy)
    sentences = [*said, *_said_of_cuts(tidy, short), *_said_of_twins(short)]
    return LabelList(short, tuple(sentences), from_one, frozenset(blank))


def placed(numbers: Sequence[int], names: Sequence[str], said: Sequence[str] = ()) -> LabelList:
    """Numbered names at their places, counted from 0 if there is a 0, else from 1.

    Raises:
        UnreadableText: a number is given twice, or is no place; and as `listed`.
    """
    if not numbers:
        raise UnreadableText("has no labels")
    seen = _by_number(numbers, names)
    first = min(1, *seen)
    last = max(seen)
    if first < 0 or last - first >= MOST_LABELS:
        wrong = first if first < 0 else last
        raise UnreadableText(f"has the number {wrong} for {len(seen)} labels; at most {MOST_LABELS} can be used")
    places = range(first, last + 1)
    holes = [place for place in places if place not in seen]
    sentences = [*said, f"numbered from {first}"]
    if holes:
        some = ", ".join(str(hole) for hole in holes[:_SHOWN]) + (", ..." if len(holes) > _SHOWN else "")
        sentences.append(
            f"{_counted(len(holes), 'number has', 'numbers have')} no label ({some}): {NAMELESS} stands there"
        )
    return listed([seen.get(place, "") for place in places], sentences, from_one=first == 1)


def _by_number(numbers: Sequence[int], names: Sequence[str]) -> dict[int, str]:
    """Raises UnreadableText where a number is given twice."""
    seen: dict[int, str] = {}
    for number, name in zip(numbers, names, strict=True):
        if number in seen:
            raise UnreadableText(f"gives the number {number} to {seen[number]!r} and to {name!r}; each class has one")
        seen[number] = name
    return seen


def _shortened(name: str) -> str:
    """A name that is too long, cut after its last whole synonym: lists of ImageNet have them with commas."""
    if len(name) <= LONGEST_LABEL:
        return name
    cut = name[:LONGEST_LABEL]
    return (cut.rpartition(", ")[0] or cut).rstrip()


def _said_of_cuts(names: Sequence[str], short: Sequence[str]) -> list[str]:
    count = sum(name != cut for name, cut in zip(names, short, strict=True))
    if not count:
        return []
    return [f"{_counted(count, 'label was', 'labels were')} cut to {LONGEST_LABEL} characters"]


def _said_of_twins(names: Sequence[str]) -> list[str]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        if not nameless(name):
            places[name].append(place)
    twins = {name: found for name, found in places.items() if len(found) > 1}
    sentences = [
        f"{name!r} is the name of {len(found)} classes ({', '.join(map(str, found[:_SHOWN]))}, counted from 0): "
        "an event for it is raised by each"
        for name, found in list(twins.items())[:_SHOWN]
    ]
    return sentences + ([f"so are {len(twins) - _SHOWN} other names"] if len(twins) > _SHOWN else [])


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
