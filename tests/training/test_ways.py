"""Where somebody is at a time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from training.yard.demo import demo_spec
from training.yard.lens import Lens
from training.yard.spec import Viewpoint, Visit
from training.yard.stories import Way, at_door, behind_bush, over_fence, through_gate
from training.yard.ways import car_at, cat_at, visit_at

SPEC = demo_spec()
PERSON = SPEC.visits[0].person
PLACES = st.tuples(st.floats(-4, 6), st.floats(3, 9), st.floats(0.5, 3))


@given(steps=st.lists(PLACES, min_size=1, max_size=6), start=st.floats(0, 20))
def test_times_of_a_way_only_grow(steps: list[tuple[float, float, float]], start: float) -> None:
    way = Way(start, 0.0, 5.0)
    for x, z, speed in steps:
        way.walk(x, z, speed).stay(0.5, crouch=0.5)
    assert all(first.at_s < second.at_s for first, second in pairwise(way.path()))


@given(time_s=st.floats(-5, 60))
def test_somebody_is_there_between_the_first_and_the_last_waypoint_only(time_s: float) -> None:
    visit = SPEC.visits[0]
    there = visit.path[0].at_s <= time_s <= visit.path[-1].at_s
    assert (visit_at(visit, time_s) is not None) == there


@given(time_s=st.floats(8.7, 20.2))
def test_nobody_jumps(time_s: float) -> None:
    before, after = visit_at(SPEC.visits[0], time_s), visit_at(SPEC.visits[0], time_s + 0.02)
    assert before is not None
    assert after is not None
    assert abs(before.x - after.x) + abs(before.z - after.z) < 0.1


def test_one_who_stands_does_not_walk_on_the_spot() -> None:
    visit = Visit(PERSON, Way(0.0, 0.0, 6.0).walk(1.0, 6.0, 1.0).stay(5.0).path())
    standing = visit_at(visit, 4.0)
    assert standing is not None
    assert standing.pose.pace == 0


def test_one_who_walks_to_the_right_faces_right_and_swings_the_legs() -> None:
    visit = Visit(PERSON, Way(0.0, 0.0, 6.0).walk(6.0, 6.0, 1.5).path())
    poses = [standing.pose for standing in (visit_at(visit, 1.0), visit_at(visit, 1.2)) if standing]
    assert [pose.side for pose in poses] == [1.0, 1.0]
    assert poses[0].phase < poses[1].phase


def test_climbing_lifts_over_the_fence_and_sets_down_behind_it() -> None:
    yard = SPEC.yard
    way = over_fence(Way(0.0, *behind_bush(yard)), yard, 1.0)
    lifts = [point.lift for point in way.path()]
    assert max(lifts) > 0.4 * yard.fence_height
    assert lifts[-1] == 0
    assert way.path()[-1].z < yard.fence_z < way.path()[0].z


def test_the_gate_leads_into_the_yard_and_the_door_is_at_the_wall() -> None:
    yard = SPEC.yard
    end = through_gate(Way(0.0, yard.gate_x + 1, yard.fence_z + 1), yard, 1.5).path()[-1]
    assert end.z < yard.fence_z
    assert -yard.wall_x < at_door(yard)[0] < -yard.wall_x + 1.5


def test_cars_pass_in_their_direction_and_are_gone_afterwards() -> None:
    right, left = SPEC.cars[0], SPEC.cars[1]
    first, second = car_at(right, right.start_s + 1), car_at(right, right.start_s + 2)
    assert first is not None
    assert second is not None
    assert first < second
    back = [car_at(left, left.start_s + seconds) for seconds in (1, 2)]
    assert back[0] is not None
    assert back[1] is not None
    assert back[0] > back[1]
    assert car_at(right, right.start_s - 0.1) is None
    assert car_at(right, right.start_s + 60) is None


def test_the_cat_faces_where_it_goes() -> None:
    cat = SPEC.cats[0]
    at = cat_at(cat, (cat.start_s + cat.end_s) / 2)
    assert at is not None
    assert at[3] == 1.0
    assert cat_at(cat, cat.end_s + 0.1) is None


@given(horizon=st.floats(0.1, 0.4), focal=st.floats(0.7, 1.4), height=st.floats(2, 4), row=st.floats(0.55, 1.0))
def test_the_ground_at_a_row_is_where_the_lens_says(horizon: float, focal: float, height: float, row: float) -> None:
    lens = Lens(Viewpoint(height, focal, horizon), 640, 360)
    assert abs(lens.point(0, 0, lens.nearest(row))[1] - row * 360) < 1e-6
    z = lens.nearest(row)
    assert abs(lens.point(lens.edge(z), 0, z)[0] - 640) < 1e-6
