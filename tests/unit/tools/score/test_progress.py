from itertools import chain, repeat

import pytest

from tools.score.progress import Progress, how_far


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "said"),
    [
        (50, 200, 10, "25 % of 200 pictures, about 30 s left"),
        (50, 5000, 10, "1 % of 5000 pictures, about 16 min left"),
        (200, 200, 10, "100 % of 200 pictures, about 0 s left"),
        (0, 200, 10, "0 pictures in 10 s"),
        (300, 200, 10, "300 pictures in 10 s"),
        (300, 0, 600, "300 pictures in 10 min"),
    ],
)
def test_the_time_left_follows_from_the_pace_until_now(done: int, total: int, elapsed_s: float, said: str) -> None:
    assert how_far(done, total, elapsed_s) == said


def test_it_is_told_every_ten_seconds_and_not_for_every_picture() -> None:
    told: list[str] = []
    seconds = iter(chain((0.0,), (number * 4.0 for number in range(1, 6)), repeat(21.0)))
    progress = Progress(1000, told.append, lambda: next(seconds))
    for _ in range(400):
        progress.advance()
    assert told == ["15 % of 1000 pictures, about 68 s left"]


def test_what_is_counted_can_be_something_else() -> None:
    assert how_far(50, 200, 10, "seconds of film") == "25 % of 200 seconds of film, about 30 s left"
