"""Finds the films in a user's folder: clips and pictures with labels, or one folder for each class."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.model.manifest import LONGEST_LABEL
from tools.command_line import numbered
from tools.score.intervals import Interval, ScoreError, Unit
from tools.score.labels import ClipLabels, read_labels
from tools.train.films import ALWAYS, NEVER, PICTURES, clip_film, labelled_time, picture_film
from training.errors import TrainingError
from training.footage.film import Film, FilmUnusable

_NO_FOOTAGE: Final = frozenset(
    {".json", ".txt", ".md", ".csv", ".xml", ".html", ".yaml", ".yml", ".tflite", ".npz", ".npy", ".m", ".mat"}
)
_NORMAL: Final = frozenset({"normal", "nothing", "nobody", "none", "empty", "background", "other", "no"})
_USUAL_RATE: Final = 25.0
_SHOWN: Final = 20
_BLOCK: Final = 1 << 20
FORMS: Final = "give labels with intervals, as for `smartcam score`, or one folder for each class: normal/, person/"
Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class FoundFilms:
    """Films in order of their names, what is to be learned, and the files that are not used, each with the reason."""

    films: tuple[Film, ...]
    target: str
    skipped: tuple[tuple[str, str], ...]


def find(folder: Path, labels: Path | None, target: str | None, tell: Tell = lambda _: None) -> FoundFilms:
    """What can be learned from in a folder.

    Raises:
        TrainingError: there is no such folder, nothing in it can be used, its labels are wrong, or it cannot be told
            what is to be learned.
    """
    if not folder.is_dir():
        raise TrainingError(f"footage {folder}: there is no such folder")
    finder = _Finder(folder, tell)
    found = finder.by_class(target) if labels is None else finder.by_labels(labels, target)
    if not found.films:
        reasons = "; ".join(left_out(found.skipped)) or "it is empty"
        raise TrainingError(f"footage {folder}: holds nothing that can be learned from ({reasons}); {FORMS}")
    return found


class _Finder:
    """One look through a folder."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        self._folder = folder
        self._tell = tell
        self._films: list[Film] = []
        self._skipped: list[tuple[str, str]] = []
        self._seen: dict[str, str] = {}

    def by_labels(self, path: Path, target: str | None) -> FoundFilms:
        try:
            labels = read_labels(path)
        except ScoreError as error:
            raise TrainingError(str(error)) from error
        target = _target_of(labels, target, path)
        used: dict[str, str] = {}
        for name, files in footage_within(self._folder, labels):
            key = Path(name).name
            if key in used:
                raise TrainingError(
                    f"footage: {used[key]} and {name} are both {key}, by which labels know them; rename one"
                )
            used[key] = name
            if key in labels:
                self._add(name, files, labels[key], target)
            else:
                self._skip(name, f"has no entry in {path.name}")
        for key in sorted(labels.keys() - used.keys()):
            self._skip(key, f"is in {path.name}, but not in {self._folder}")
        return self._found(target)

    def by_class(self, target: str | None) -> FoundFilms:
        classes = {
            each.name: tuple(footage_within(each, {}, joined=True)) for each in _entries(self._folder) if each.is_dir()
        }
        classes = {name: groups for name, groups in classes.items() if groups}
        target = _class_of(self._folder, list(classes), target)
        for entry in _entries(self._folder):
            if not entry.is_dir():
                self._skip(entry.name, "lies beside the folders of the classes")
        for name, groups in classes.items():
            for group, files in groups:
                self._add(f"{name}/{group}", files, None, target, is_target=name == target)
        return self._found(target)

    def _add(
        self, name: str, files: Sequence[Path], labels: ClipLabels | None, target: str, *, is_target: bool = False
    ) -> None:
        shown = printable(name)
        time = labelled_time(labels, target) if labels is not None else ALWAYS if is_target else NEVER
        try:
            if files[0].suffix.lower() in PICTURES:
                self._films.append(picture_film(shown, files, time, labels))
            elif (twin := self._twin(name, files[0])) is not None:
                self._skip(name, f"is the same file as {twin}")
            else:
                self._films.append(clip_film(shown, files[0], time, labels, self._tell))
        except FilmUnusable as error:
            self._skip(name, str(error))
        except OSError as error:
            self._skip(name, error.strerror or str(error))

    def _twin(self, name: str, path: Path) -> str | None:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        first = self._seen.setdefault(digest.hexdigest(), printable(name))
        return None if first == printable(name) else first

    def _skip(self, name: str, reason: str) -> None:
        self._skipped.append((printable(name), reason))

    def _found(self, target: str) -> FoundFilms:
        films = sorted(self._films, key=lambda film: film.name)
        if films:  # else all of it stands in the error
            for line in left_out(self._skipped):
                self._tell(f"left out: {line}")
        return FoundFilms(tuple(films), target, tuple(sorted(self._skipped)))


def left_out(skipped: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A line for each reason, in the order in which they came, with the names of what is not used, sorted."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in skipped:
        by_reason[reason].append(name)
    for reason, names in by_reason.items():
        if len(names) == 1:
            yield f"{names[0]}: {reason}"
            continue
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        yield f"{numbered(len(names), 'file')}: each {reason}: {', '.join(sorted(names)[:_SHOWN])}{more}"


def footage_within(
    folder: Path, labels: Mapping[str, ClipLabels], *, joined: bool = False
) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """Names within the folder, each with a clip or with pictures that belong together.

    Pictures belong together that lie in a folder with labels of its own, or (`joined`) in any one folder.
    """
    for here, files in _files_within(folder):
        pictures = tuple(file for file in files if file.suffix.lower() in PICTURES)
        within = here.relative_to(folder)
        if pictures and (joined or here.name in labels):
            yield (str(within) if within.parts else "pictures", pictures)
        else:
            yield from ((str(file.relative_to(folder)), (file,)) for file in pictures)
        for file in files:
            if file not in pictures and file.suffix.lower() not in _NO_FOOTAGE:
                yield str(file.relative_to(folder)), (file,)


def _files_within(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder with the files in it, in order, without those that are hidden."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        here = Path(place)
        # A pipe among them would be waited for without end.
        yield here, [here / name for name in sorted(names) if not name.startswith(".") and (here / name).is_file()]


def printable(name: str) -> str:
    """A file's name as a terminal and a page can show it."""
    return name if name.isprintable() else ascii(name)


def _entries(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if not each.name.startswith("."))


def _target_of(labels: Mapping[str, ClipLabels], target: str | None, path: Path) -> str:
    """What is to be learned: what the user names, or what is labelled longest."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for clip in labels.values():
        for each in (*clip.intervals, *(s.interval for one in clip.objects if one.raises for s in one.sights)):
            seconds[each.word] += _length(each, clip.fps or _USUAL_RATE)
    if not seconds:
        raise TrainingError(f"labels {path}: say of no clip when something is in sight")
    if target is None:
        target = max(seconds, key=lambda word: (seconds[word], word))
    elif target not in seconds:
        raise TrainingError(f"labels {path}: no interval of {target!r}; --target can be {', '.join(sorted(seconds))}")
    return _checked(target)


def _length(interval: Interval, rate: float) -> float:
    length = interval.last - interval.first
    return (length + 1) / rate if interval.unit is Unit.FRAMES else length


def _class_of(folder: Path, classes: Sequence[str], target: str | None) -> str:
    names = ", ".join(classes) or "none"
    if len(classes) < 2:  # noqa: PLR2004  telling apart takes two
        raise TrainingError(f"footage {folder}: {numbered(len(classes), 'folder')} with footage ({names}); {FORMS}")
    if target is not None:
        if target not in classes:
            raise TrainingError(f"footage {folder}: there is no folder {target!r}; --target can be {names}")
        return _checked(target)
    likely = [name for name in classes if name in set(EventKind)] or [
        name for name in classes if name.lower() not in _NORMAL
    ]
    if len(likely) != 1:
        raise TrainingError(f"footage {folder}: which class raises an alarm? --target can be {names}")
    return _checked(likely[0])


def _checked(target: str) -> str:
    if not 1 <= len(target) <= LONGEST_LABEL or not target.isprintable():
        raise TrainingError(f"--target {target!r}: must be 1 to {LONGEST_LABEL} printable characters")
    return target
