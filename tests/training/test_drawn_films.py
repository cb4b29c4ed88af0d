"""What training may rely on, whoever fills the port: the same tests for every kind of film."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.clips import moving_square, write_clip
from tests.training.classifier.conftest import RedFilm
from tools.score.intervals import Interval
from tools.train.films import LabelledTime, clip_film, picture_film
from training.drawn_films import YardFilm, YardSlides, drawn_films
from training.footage.cutting import FootageUse
from training.footage.film import Film
from training.yard.draws import Hour

TIME = LabelledTime((Interval("person", 5, 9), Interval("person", 10, 12), Interval("person", 17, 18)), ())


def of_clip(folder: Path) -> Film:
    return clip_film("a", write_clip(folder / "a.mp4", moving_square()), TIME)


def of_pictures(folder: Path) -> Film:
    paths = [folder / f"{number:02}.png" for number in range(20)]
    for path in paths:
        cv2.imwrite(str(path), np.full((48, 64, 3), 80, np.uint8))
    return picture_film("a", paths, TIME)


def of_yard(_: Path) -> Film:
    return YardFilm(8)


def of_slides(_: Path) -> Film:
    return YardSlides(7, 1)


def of_squares(_: Path) -> Film:
    return RedFilm("a", 20.0, ((5.0, 12.0), (17.0, 18.0)))


@pytest.mark.parametrize("make", [of_clip, of_pictures, of_yard, of_slides, of_squares])
def test_every_film_keeps_what_the_port_promises(make: Callable[[Path], Film], tmp_path: Path) -> None:
    film = make(tmp_path)
    shots = [(shot.at_s, shot.shows, (shot.picture.width, shot.picture.height)) for shot in film.shots()]
    assert film.name
    assert shots[0][0] == 0
    assert all(earlier < later for (earlier, *_), (later, *_) in pairwise(shots))
    assert shots[-1][0] < film.seconds
    assert len({size for *_, size in shots}) == 1
    assert list(film.visits) == sorted(film.visits)
    assert all(first <= last for first, last in film.visits)
    assert all(one[1] < other[0] for one, other in pairwise(film.visits))
    assert {shows for _, shows, _ in shots} >= {True, False}
    for at_s, shows, _ in shots:
        within = any(first - 1e-6 <= at_s <= last + 1e-6 for first, last in film.visits)
        assert shows is None or shows == within, at_s
    assert [shot.shows for shot in film.shots()] == [shows for _, shows, _ in shots], "it can be read again"
    assert all(shot.box is None for shot in film.shots() if not shot.shows)


def test_slides_show_every_hour_with_as_many_normal_pictures_as_others() -> None:
    shots = list(YardSlides(7, 2).shots())
    assert len(shots) == len(Hour) * 2 * 2
    assert sum(shot.shows is True for shot in shots) * 2 == len(shots)
    boxes = np.array([shot.box for shot in shots if shot.box is not None])
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()


def test_the_second_slide_of_a_pair_lacks_only_the_intruder() -> None:
    with_one, without = (shot for shot, _ in zip(YardSlides(9, 1).shots(), range(2), strict=False))
    assert with_one.box is not None
    assert without.box is None
    height, width = with_one.picture.height, with_one.picture.width
    left, top, right, bottom = (
        round(side * size) for side, size in zip(with_one.box, (width, height) * 2, strict=True)
    )
    changed = np.abs(with_one.picture.y.astype(int) - without.picture.y.astype(int))
    inside = changed[top:bottom, left:right].mean()
    changed[max(0, top - 12) : bottom + 12, max(0, left - 24) : right + 24] = 0
    assert inside > 4 * changed.mean()


def test_no_yard_is_for_two_uses_and_another_seed_has_other_yards() -> None:
    films, cuts = drawn_films(1, 3, 1, 2)
    assert [stretches[0].use for stretches in cuts] == [
        *[FootageUse.TRAIN] * 3,
        *[FootageUse.VALIDATION] * 2,
        *[FootageUse.TEST] * 2,
    ]
    others, _ = drawn_films(2, 3, 1, 2)
    assert len({film.name for film in (*films, *others)}) == 14
