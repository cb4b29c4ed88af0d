"""Pictures out of films."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from smartcam.vision.picture import Picture
from training.classifier.networks import rgb_spec
from training.footage.cutting import FootageUse
from training.footage.film import FilmUnusable, Shot, Visit
from training.footage.gathering import gather

RATE = 10.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A film in which a red square is where and when it is to be learned, and a grey one moves all the time."""

    name: str
    seconds: float
    visits: tuple[Visit, ...]
    moves: bool = True
    breaks_at_s: float | None = None
    unknown: Visit = (-1.0, -1.0)
    is_grey: bool = False

    def shots(self) -> Iterator[Shot]:
        for number in range(round(self.seconds * RATE)):
            at_s = number / RATE
            if self.breaks_at_s is not None and at_s >= self.breaks_at_s:
                raise FilmUnusable(f"breaks off after {at_s:.1f} s")
            shows: bool | None = any(first <= at_s <= last for first, last in self.visits)
            if self.unknown[0] <= at_s <= self.unknown[1]:
                shows = None
            bgr = np.full((96, 160, 3), (120, 120, 120) if self.is_grey else (120, 150, 90), np.uint8)
            if self.moves:
                bgr[10:40, number % 120 : number % 120 + 30] = 200
            if shows:
                bgr[50:90, 60:100] = (20, 20, 220)
            yield Shot(at_s, Picture.from_bgr(bgr), shows)


def test_pictures_of_each_use_show_what_the_film_says() -> None:
    gathered = gather([Drawn("a", 100.0, ((10, 20), (62, 66), (85, 95)))], rgb_spec())
    train, test = gathered.examples[FootageUse.TRAIN], gathered.examples[FootageUse.TEST]
    assert train.rgb.shape[1:] == (96, 160, 3)
    assert [gathered.shares[use].visits for use in FootageUse] == [1, 1, 1]
    assert train.looks.at_s.max() < 60.1
    assert test.looks.at_s.min() >= 82
    reds = test.rgb[:, 60:80, 70:90, 0].mean(axis=(1, 2)) > 180
    np.testing.assert_array_equal(reds, test.shows)
    assert gathered.shares[FootageUse.TEST].shown_s == pytest.approx(10, abs=0.5)
    assert gathered.shares[FootageUse.TEST].seconds == pytest.approx(18, abs=0.5)


def test_no_more_pictures_are_taken_than_a_device_looks_at() -> None:
    gathered = gather([Drawn("a", 100.0, ())], rgb_spec())
    assert sum(len(each) for each in gathered.examples.values()) == pytest.approx(96 * 5, abs=8)


def test_a_bound_on_pictures_keeps_the_rare_ones() -> None:
    gathered = gather([Drawn("a", 200.0, ((40, 44), (121, 123)))], rgb_spec(), most=200)
    assert sum(len(each) for each in gathered.examples.values()) <= 210
    assert int(gathered.examples[FootageUse.TRAIN].shows.sum()) >= 20


def test_pictures_that_are_the_same_are_learned_from_once_and_measured_as_they_come() -> None:
    gathered = gather([Drawn("a", 100.0, (), moves=False)], rgb_spec())
    assert len(gathered.examples[FootageUse.TRAIN]) == 1
    assert gathered.shares[FootageUse.TRAIN].same > 250
    assert len(gathered.examples[FootageUse.TEST]) > 80


def test_of_a_film_that_breaks_off_what_came_before_is_used_and_the_next_film_too() -> None:
    told: list[str] = []
    films = [Drawn("a", 100.0, (), breaks_at_s=30.0), Drawn("b", 100.0, ((10, 20),))]
    gathered = gather(films, rgb_spec(), tell=told.append)
    assert gathered.unusable == (("a", "breaks off after 30.0 s"),)
    assert "a: breaks off after 30.0 s" in told
    assert set(gathered.examples[FootageUse.TRAIN].looks.film.tolist()) == {0, 1}


def test_times_of_which_nobody_can_say_are_neither_learned_nor_measured() -> None:
    gathered = gather([Drawn("a", 100.0, (), unknown=(0, 99))], rgb_spec())
    assert sum(len(each) for each in gathered.examples.values()) <= 5
    assert gathered.shares[FootageUse.TRAIN].seconds == 0


def test_infrared_pictures_are_counted_as_night() -> None:
    night, day = (gather([Drawn("a", 50.0, (), is_grey=grey)], rgb_spec()) for grey in (True, False))
    assert night.shares[FootageUse.TRAIN].night_s == pytest.approx(30, abs=1)
    assert day.shares[FootageUse.TRAIN].night_s == 0
