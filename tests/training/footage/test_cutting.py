"""Which time of which film is for what."""

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from training.footage.cutting import LONG_ENOUGH_S, FootageUse, Stretch, cut, cut_all
from training.footage.film import Shot, Visit


@dataclass(frozen=True, slots=True)
class Lengths:
    """A film of which only the length and the visits matter."""

    name: str
    seconds: float
    visits: tuple[Visit, ...] = ()

    def shots(self) -> Iterator[Shot]:
        yield from ()


def test_a_film_is_cut_into_six_two_and_two_tenths_with_a_gap_between() -> None:
    assert cut(1000, []) == (
        Stretch(FootageUse.TRAIN, 0, 600),
        Stretch(FootageUse.VALIDATION, 602, 800),
        Stretch(FootageUse.TEST, 802, 1000),
    )


def test_a_visit_is_never_in_two_parts() -> None:
    (train, validation, test) = cut(100, [(55, 62), (70, 81)])
    assert train.end_s > 62
    assert train.end_s < 63
    assert 81 < validation.end_s < 82
    assert test.begin_s > validation.end_s


def test_a_state_that_lasts_is_cut_where_the_time_says() -> None:
    assert [stretch.end_s for stretch in cut(100, [(10, 99)])] == [60, 80, 100]


def test_a_cut_keeps_away_from_the_ends_of_the_film() -> None:
    assert [stretch.use for stretch in cut(100, [(0, 61)])] == list(FootageUse)


@given(
    st.floats(LONG_ENOUGH_S, 1e5),
    st.lists(st.floats(0, 1), min_size=2, max_size=12).map(sorted),
)
def test_stretches_are_in_order_apart_and_within_the_film(seconds: float, ends: list[float]) -> None:
    visits = [(first * seconds, last * seconds) for first, last in zip(ends[::2], ends[1::2], strict=False)]
    stretches = cut(seconds, visits)
    places = [place for stretch in stretches for place in (stretch.begin_s, stretch.end_s)]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] <= seconds
    assert [stretch.use for stretch in stretches] == sorted((s.use for s in stretches), key=list(FootageUse).index)


def test_a_few_short_films_are_all_for_training() -> None:
    films = [Lengths(f"{number}", 4.0) for number in range(4)]
    assert {stretches[0].use for stretches in cut_all(films)} == {FootageUse.TRAIN}


def test_many_short_films_are_shared_out_whole_in_their_order() -> None:
    films = [Lengths(f"{number}", 10.0) for number in range(10)]
    uses = [stretches[0].use for stretches in cut_all([*films, Lengths("long", 100.0)])][:-1]
    assert uses == [FootageUse.TRAIN] * 6 + [FootageUse.VALIDATION] * 2 + [FootageUse.TEST] * 2
    assert [len(stretches) for stretches in cut_all([*films, Lengths("long", 100.0)])][-1] == 3


def test_films_without_any_length_are_for_training() -> None:
    assert {stretches[0].use for stretches in cut_all([Lengths(f"{n}", 0.0) for n in range(6)])} == {FootageUse.TRAIN}
