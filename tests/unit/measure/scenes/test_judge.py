from measure.scenes.judge import judge
from measure.scenes.truth import TrueObject
from smartcam.contract.event import EventKind
from smartcam.vision.corners import Corners
from tools.score.targets import SeenEvent

SIZE = (200, 100)


def thing(id_: str, box: Corners, kind: EventKind = EventKind.PERSON, *, parked: bool = False) -> TrueObject:
    boxes = tuple((float(second), *box) for second in range(10, 20))
    return TrueObject(id_, kind, parked, (10.0, 19.0), boxes, (1.0,) * 10)


def event(at_s: float, box: Corners | None, kind: EventKind = EventKind.PERSON) -> SeenEvent:
    share = None if box is None else (box[0] / 200, box[1] / 100, box[2] / 200, box[3] / 100)
    return SeenEvent(kind, at_s, at_s + 1, 0.7, box=share)


ANNE = thing("anne", (20, 20, 40, 80))
BEN = thing("ben", (120, 20, 140, 80))
CAR = thing("car", (15, 50, 75, 85), EventKind.VEHICLE, parked=True)


def test_an_object_is_found_by_the_event_at_its_place_and_missed_where_the_event_is_elsewhere() -> None:
    ruling = judge([ANNE, BEN], [event(11.5, (22, 20, 41, 78))], SIZE)
    assert dict(ruling.found) == {"anne": 1.5}
    assert ruling.missed == ("ben",)
    assert (ruling.doubled, ruling.parked, ruling.false) == ({}, {}, ())


def test_the_second_event_of_an_object_is_a_double_and_not_the_find_of_another_one() -> None:
    ruling = judge([ANNE, BEN], [event(11, ANNE.boxes[0][1:]), event(15, ANNE.boxes[0][1:])], SIZE)
    assert (dict(ruling.found), dict(ruling.doubled), ruling.missed) == ({"anne": 1.0}, {"anne": 1}, ("ben",))


def test_an_event_about_a_parked_car_finds_nobody_who_passes_before_it() -> None:
    on_the_car = event(12, CAR.boxes[0][1:], EventKind.VEHICLE)
    ruling = judge([ANNE, CAR], [on_the_car], SIZE)
    assert (dict(ruling.parked), ruling.missed, ruling.expected) == ({"car": 1}, ("anne",), 1)


def test_who_stands_before_a_parked_car_is_found_by_an_event_of_their_own_kind() -> None:
    ruling = judge([ANNE, CAR], [event(12, (18, 30, 44, 82))], SIZE)
    assert (dict(ruling.found), ruling.parked) == ({"anne": 2.0}, {})


def test_a_head_is_its_person_and_a_spot_inside_a_person_is_nothing() -> None:
    assert judge([ANNE], [event(12, (24, 20, 38, 40))], SIZE).missed == ()
    assert len(judge([ANNE], [event(12, (24, 20, 28, 24))], SIZE).false) == 1


def test_an_event_before_after_or_beside_every_object_is_false_and_so_is_one_without_a_place() -> None:
    box = ANNE.boxes[0][1:]
    events = [event(8.5, box), event(20.5, box), event(12, (60, 20, 80, 80)), event(12, None)]
    assert len(judge([ANNE], events, SIZE).false) == 4


def test_motion_is_nobody_s_name_and_finds_whoever_moves_there() -> None:
    assert judge([ANNE], [event(12, (15, 15, 45, 85), EventKind.MOTION)], SIZE).missed == ()
