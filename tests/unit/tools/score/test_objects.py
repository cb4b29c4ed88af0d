import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from tools.score.intervals import Interval, ScoreError, Unit
from tools.score.labels import read_labels
from tools.score.objects import Keyframe, LabelledObject, Sight, labels_entry, read_objects, read_unsure

VISITOR: dict[str, Any] = {"id": "visitor-1", "kind": "person", "seconds": [6.0, 812.4]}
BOX = (0.1, 0.2, 0.3, 0.9)


def sight(first: float, last: float, *boxes: Keyframe, unit: Unit = Unit.SECONDS) -> Sight:
    return Sight(Interval("person", first, last, unit=unit), boxes)


def test_entries_of_one_id_are_one_object_in_sight_at_several_times() -> None:
    later = VISITOR | {"seconds": [900, 950], "boxes": [[900, *BOX]], "note": "back from the kitchen"}
    (visitor,) = read_objects("a.mp4", [later, VISITOR])
    assert visitor == LabelledObject(
        "visitor-1", EventKind.PERSON, (sight(6.0, 812.4), sight(900, 950, Keyframe(900, BOX)))
    )


def test_a_box_is_on_the_line_between_its_neighbours_and_stays_where_it_was_last() -> None:
    moving = sight(0, 20, Keyframe(2, (0.0, 0.0, 0.2, 0.2)), Keyframe(12, (0.5, 0.5, 0.7, 0.7)))
    assert moving.box_at(7) == pytest.approx((0.25, 0.25, 0.45, 0.45))
    assert moving.box_at(0) == moving.box_at(2) == (0.0, 0.0, 0.2, 0.2)
    assert moving.box_at(12) == moving.box_at(20) == (0.5, 0.5, 0.7, 0.7)
    assert sight(0, 20).box_at(7) is None


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"id": ""}, "id = ''"),
        ({"id": 7}, "id = 7"),
        ({"id": "a\nb"}, "printable"),
        ({"id": "x" * 65}, "1 to 64 printable"),
        ({"kind": "persn"}, "kind = 'persn' must be a kind of event: person"),
        ({"kind": ["person"]}, "kind = ['person']"),
        ({"kind": None}, "kind = None"),
        ({"raises": "no"}, "raises = 'no' must be true or false"),
        ({"raises": False}, "give boxes"),
        ({"seconds": [9, 6]}, "ends before it begins"),
        ({"seconds": [6, float("inf")]}, "which is not"),
        ({"frames": [6, 9]}, "which is not"),
        ({"box": []}, "which is not"),
        ({"boxes": {}}, "boxes = {} is not a list"),
        ({"boxes": [[7, 0.1, 0.2, 0.3]]}, "which is not [t, x1, y1, x2, y2]"),
        ({"boxes": [["7", *BOX]]}, "which is not [t, x1, y1, x2, y2]"),
        ({"boxes": [[5, *BOX]]}, "outside its seconds 6 to 812.4"),
        ({"boxes": [[813, *BOX]]}, "outside its seconds 6 to 812.4"),
        ({"boxes": [[7, 0.1, 0.2, 1.3, 0.9]]}, "corners are shares of the picture"),
        ({"boxes": [[7, -0.1, 0.2, 0.3, 0.9]]}, "corners are shares of the picture"),
        ({"boxes": [[7, 64, 48, 80, 90]]}, "corners are shares of the picture"),
        ({"boxes": [[7, 0.1, 0.2, True, 0.9]]}, "corners are shares of the picture"),
        ({"boxes": [[7, float("nan"), 0.2, 0.3, 0.9]]}, "corners are shares of the picture"),
        ({"boxes": [[7, 0.3, 0.2, 0.1, 0.9]]}, "is empty"),
        ({"boxes": [[7, 0.3, 0.2, 0.3, 0.9]]}, "is empty"),
        ({"boxes": [[8, *BOX], [7, *BOX]]}, "not in order: 7 comes after 8"),
        ({"boxes": [[8, *BOX], [8, *BOX]]}, "not in order"),
    ],
)
def test_what_is_no_labelled_object_is_refused_with_its_place_in_the_list(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ScoreError) as caught:
        read_objects("a.mp4", [VISITOR | {"id": "other"}, VISITOR | entry])
    assert str(caught.value).startswith("labels of a.mp4: objects[1]")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"seconds": [800, 900]}, "visitor-1 is in sight twice at once"),
        ({"seconds": [6, 812.4]}, "visitor-1 is in sight twice at once"),
        ({"seconds": [900, 950], "kind": "animal"}, "another kind"),
        ({"frames": [9000, 9500]}, "in frames and in seconds"),
    ],
)
def test_an_identity_cannot_be_two_things_or_at_two_places_at_once(more: dict[str, Any], said: str) -> None:
    bare = {key: value for key, value in VISITOR.items() if key != "seconds"}
    with pytest.raises(ScoreError, match=said):
        read_objects("a.mp4", [VISITOR, bare | more])


def test_two_sights_in_frames_may_not_share_a_frame_while_seconds_may_touch() -> None:
    frames = [{"id": "a", "kind": "person", "frames": ends} for ends in ([0, 9], [9, 12])]
    with pytest.raises(ScoreError, match="twice at once"):
        read_objects("a.mp4", frames)
    seconds = [{"id": "a", "kind": "person", "seconds": ends} for ends in ([0, 9], [9, 12])]
    assert len(read_objects("a.mp4", seconds)[0].sights) == 2


@pytest.mark.parametrize("items", [{}, "none", 7, None])
def test_objects_and_unsure_are_lists(items: object) -> None:
    with pytest.raises(ScoreError, match=r"objects = .* is not a list"):
        read_objects("a.mp4", items)
    with pytest.raises(ScoreError, match=r"unsure = .* is not a list"):
        read_unsure("a.mp4", items)


def test_unsure_intervals_are_read_in_either_unit() -> None:
    read = read_unsure("a.mp4", [{"seconds": [3, 5], "note": "a reflection"}, [7, 9]])
    assert read == (Interval("unsure", 3, 5, unit=Unit.SECONDS), Interval("unsure", 7, 9))


def test_objects_and_unsure_intervals_outside_of_the_clip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    for entry in ({"objects": [VISITOR]}, {"unsure": [{"seconds": [0, 812.4]}]}):
        path.write_text(json.dumps({"a.mp4": entry}))
        labels = read_labels(path)["a.mp4"]
        labels.check(10, 812)
        with pytest.raises(ScoreError, match="lies outside the clip, which has 800"):
            labels.check(10_000, 800)


shares = st.integers(0, 1000)
sides = st.lists(shares, min_size=2, max_size=2, unique=True).map(sorted)
boxes = st.tuples(sides, sides).map(lambda both: (both[0][0], both[1][0], both[0][1], both[1][1]))


@st.composite
def objects(draw: st.DrawFn) -> list[LabelledObject]:
    made = []
    for number in range(draw(st.integers(0, 3))):
        unit = draw(st.sampled_from(list(Unit)))
        kind = draw(st.sampled_from([EventKind.PERSON, EventKind.VEHICLE]))
        edges = sorted(draw(st.lists(st.integers(0, 500), min_size=2, max_size=8, unique=True)))
        sights = []
        for first, last in zip(edges[::2], edges[1::2], strict=False):
            times = sorted(draw(st.sets(st.integers(first, last), max_size=4)))
            keys = [Keyframe(at, tuple(edge / 1000 for edge in draw(boxes))) for at in times]  # type: ignore[arg-type]
            sights.append(Sight(Interval(str(kind), first, last, unit=unit), tuple(keys)))
        made.append(LabelledObject(f"o{number}", kind, tuple(sights)))
    return made


@given(objects())
def test_what_is_written_is_read_again(made: list[LabelledObject]) -> None:
    entry = json.loads(json.dumps(labels_entry(made, 10, 501)))
    assert read_objects("a.mp4", entry["objects"]) == tuple(made)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 900) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from([*VISITOR, "boxes"]), inner),
    max_leaves=12,
)


@given(st.lists(json_values | json_values.map(lambda odd: VISITOR | {"boxes": odd}), max_size=3))
def test_any_json_is_objects_or_one_clear_error(items: list[object]) -> None:
    try:
        read_objects("a.mp4", items)
    except ScoreError as error:
        assert str(error).startswith("labels of a.mp4: ")  # noqa: PT017  either is fine, nothing else is
