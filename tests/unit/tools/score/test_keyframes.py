from hypothesis import given
from hypothesis import strategies as st

from tools.score.intervals import Interval
from tools.score.keyframes import thinned
from tools.score.objects import Keyframe, Sight

steps = st.lists(st.tuples(st.integers(1, 5), st.integers(-3, 3)), min_size=1, max_size=120)


def track(moves: list[tuple[int, int]]) -> list[Keyframe]:
    at, x, keys = 0, 50, []
    for wait, step in moves:
        at, x = at + wait, min(max(x + step, 0), 80)
        keys.append(Keyframe(at, (x / 100, 0.2, x / 100 + 0.2, 0.8)))
    return keys


@given(steps, st.sampled_from([0.0, 0.001, 0.03]))
def test_no_box_that_was_left_out_is_far_from_the_lines_between_the_others(
    moves: list[tuple[int, int]], tolerance: float
) -> None:
    keys = track(moves)
    kept = thinned(keys, tolerance)
    assert set(kept) <= set(keys)
    assert (kept[0], kept[-1]) == (keys[0], keys[-1])
    sight = Sight(Interval("person", keys[0].at, keys[-1].at), kept)
    for key in keys:
        box = sight.box_at(key.at)
        assert box is not None
        assert max(abs(a - b) for a, b in zip(box, key.box, strict=True)) <= tolerance + 1e-9


def test_a_steady_walk_needs_few_boxes() -> None:
    assert len(thinned(track([(1, 1)] * 30), 0.001)) == 2
    assert thinned([], 0.1) == ()
