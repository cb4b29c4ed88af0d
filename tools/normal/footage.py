"""Footage of one camera: which clips are learned from, and which are tested."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tools.normal.truth import MASKS, Truth, in_order, odd_time, truth_of
from tools.score.intervals import ScoreError
from tools.score.labels import ClipLabels
from tools.train.films import PICTURES, ClipFilm, LabelledTime, PictureFilm, clip_film, picture_film
from tools.train.finding import footage_within, left_out, printable
from training.footage.film import FilmUnusable

USUAL_FPS: Final = 10.0
_LEARNED: Final = frozenset({"train", "training"})
_TESTED: Final = frozenset({"test", "testing"})
_SHOWN: Final = 5
SceneFilm = ClipFilm | PictureFilm
Tell = Callable[[str], object]
_Group = tuple[str, tuple[Path, ...]]


@dataclass(frozen=True, slots=True)
class FootagePlan:
    """What a person names.

    `clips`: a folder or one clip, to learn from. `test`: a folder or one clip, to be judged by `labels`; None: those
    of `clips` in which something is odd. `odd`: the labels that mean something odd, all if empty. `fps`: of pictures.
    """

    clips: Path
    test: Path | None = None
    labels: Path | None = None
    odd: tuple[str, ...] = ()
    fps: float = USUAL_FPS


@dataclass(frozen=True, slots=True)
class SceneFootage:
    """Films in order of time: those to learn from, and those to test what was learned."""

    learned: tuple[SceneFilm, ...]
    tested: tuple[SceneFilm, ...]


def find_footage(plan: FootagePlan, tell: Tell = lambda _: None) -> SceneFootage:
    """The films that a plan names; what cannot be used is told, each with the reason.

    Raises:
        ScoreError: something is missing or wrong, or nothing is left to learn from or to test.
    """
    clips, test = _sets(plan, tell)
    finder = _FilmFinder(plan, tell)
    learned_groups, tested_groups = _groups(clips), _groups(test) if test else []
    names = [_key(name) for name, _ in tested_groups or learned_groups]
    if plan.labels is not None:
        _refuse_twins(names, test or clips)
    truth = truth_of(plan.labels, names)
    if test is None:
        learned, tested = _parted(finder.films(learned_groups, truth), is_labelled=plan.labels is not None)
    else:
        tested = finder.films(tested_groups, truth, labelled_only=True)
        # The sets may number their clips alike: labels are those of the tested ones then.
        learned = finder.films(learned_groups, lambda name: None if name in names else truth(name))
    lines = list(left_out(finder.skipped))
    for line in lines:
        tell(f"left out: {line}")
    footage = SceneFootage(tuple(learned), tuple(tested))
    _refuse_nothing(footage, plan.labels, (clips, test), f" ({'; '.join(lines[:_SHOWN])})" if lines else "")
    return footage


def _refuse_twins(names: Sequence[str], place: Path) -> None:
    """Raises ScoreError where labels would not know which of two clips is meant."""
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ScoreError(f"footage {place}: two clips are {twice[0]}, by which labels know them; rename one")


def _refuse_nothing(footage: SceneFootage, labels: Path | None, sets: tuple[Path, Path | None], reasons: str) -> None:
    """Raises ScoreError where nothing is left to learn from, or to test."""
    clips, test = sets
    if not footage.learned:
        remedy = "; each clip has something odd: name these with --test, and normal ones with --clips"
        said = f"holds nothing that can be learned from{reasons}{remedy if footage.tested else ''}"
        raise ScoreError(f"footage {clips}: {said}")
    if labels is not None and not footage.tested:
        raise ScoreError(f"labels {labels}: say of no clip in {test or clips} that anything is odd{reasons}")


def _parted(films: Sequence[SceneFilm], *, is_labelled: bool) -> tuple[list[SceneFilm], list[SceneFilm]]:
    """Of films of one set, those in which nothing is odd are learned from; without labels that is all of them."""
    learned = [film for film in films if not (is_labelled and film.visits)]
    return learned, [film for film in films if film not in learned]


class _FilmFinder:
    """Makes films of files, and keeps what cannot be used."""

    def __init__(self, plan: FootagePlan, tell: Tell) -> None:
        self._plan = plan
        self._tell = tell
        self.skipped: list[tuple[str, str]] = []

    def films(self, groups: Sequence[_Group], truth: Truth, *, labelled_only: bool = False) -> list[SceneFilm]:
        """The films of these files, in order of their names."""
        films: list[SceneFilm] = []
        for name, files in groups:
            try:
                labels = truth(_key(name))
                if labels is None and labelled_only:
                    raise FilmUnusable("has no labels")
                films.append(self._film(printable(name), files, labels))
            except FilmUnusable as error:
                self.skipped.append((printable(name), str(error)))
            except OSError as error:
                self.skipped.append((printable(name), error.strerror or str(error)))
        return films

    def _film(self, name: str, files: Sequence[Path], labels: ClipLabels | None) -> SceneFilm:
        time = LabelledTime((), ()) if labels is None else odd_time(labels, self._plan.odd)
        if files[0].suffix.lower() not in PICTURES:
            return clip_film(name, files[0], time, labels, self._tell)
        stated = labels or ClipLabels(name, None, ())
        if doubts := stated.doubts_of_length(len(files)):
            raise FilmUnusable(doubts[0])
        return picture_film(name, files, time, replace(stated, fps=stated.fps or self._plan.fps))


def _sets(plan: FootagePlan, tell: Tell) -> tuple[Path, Path | None]:
    """What is learned from and what is tested; of a data set's folder its Train and its Test."""
    if plan.test is not None and plan.labels is None:
        raise ScoreError(f"--test {plan.test}: needs --labels, which say what is odd in it")
    if plan.test is not None or not plan.clips.is_dir():
        return plan.clips, plan.test
    learned, tested = _folder_within(plan.clips, _LEARNED), _folder_within(plan.clips, _TESTED)
    if learned is None or tested is None:
        return plan.clips, None
    if plan.labels is None:
        tell(f"{tested.name} is neither learned nor tested: give --labels")
        return learned, None
    return learned, tested


def _folder_within(place: Path, names: Collection[str]) -> Path | None:
    """The first folder with one of these names, in large or small letters."""
    return next((each for each in sorted(place.iterdir()) if each.is_dir() and each.name.lower() in names), None)


def _groups(place: Path) -> list[_Group]:
    """Names, each with a clip or with the pictures of a folder, as people number them."""
    if place.is_file():
        return [(place.name, (place,))]
    if not place.is_dir():
        what = "is neither a file nor a folder" if place.exists() else "there is no such file or folder"
        raise ScoreError(f"footage {place}: {what}")
    found = [
        (place.name if files[0].parent == place and len(files) > 1 else name, tuple(sorted(files, key=in_order)))
        for name, files in footage_within(place, {}, joined=True)
        if not Path(name).name.endswith(MASKS)
    ]
    return sorted(found, key=lambda group: in_order(group[0]))


def _key(name: str) -> str:
    return Path(name).name
