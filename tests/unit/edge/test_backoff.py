"""How the waits between tries grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.edge.backoff import Backoff


def test_waits_double_up_to_the_ceiling() -> None:
    backoff = Backoff(1, 5, lambda: 1.0)
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_a_good_spell_begins_anew() -> None:
    backoff = Backoff(1, 60, lambda: 1.0)
    for _ in range(4):
        backoff.next()
    backoff.reset()
    assert backoff.next() == 1


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=40))
def test_jitter_takes_away_a_half_at_most(draws: list[float]) -> None:
    drawn = iter(draws)
    backoff, whole = Backoff(0.5, 30, lambda: next(drawn)), Backoff(0.5, 30, lambda: 1.0)
    for _ in draws:
        most = whole.next()
        assert most / 2 <= backoff.next() <= most


@pytest.mark.parametrize(("first", "ceiling"), [(0, 1), (-1, 1), (2, 1)])
def test_a_back_off_that_cannot_work_is_refused(first: float, ceiling: float) -> None:
    with pytest.raises(ValueError, match="0 < first <= ceiling"):
        Backoff(first, ceiling, lambda: 0.0)
