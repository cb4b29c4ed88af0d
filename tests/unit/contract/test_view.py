"""What is seen right now, on the wire."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import CameraId
from smartcam.contract.times import MonotonicNs
from smartcam.contract.view import (
    LARGEST_VIEW_BYTES,
    MOST_VIEWED,
    CameraView,
    ViewedObject,
    ViewedScene,
    ViewWatch,
    decode_view_message,
    encode_view_message,
    is_view,
)
from tests.strategies import camera_ids, normal_boxes, shares, with_a_hostile_number

STEP = 1 / 10_000
objects = st.builds(
    ViewedObject,
    box=normal_boxes(),
    kind=st.sampled_from(EventKind),
    label=st.text(max_size=300),
    score=shares,
    has_event=st.booleans(),
    number=st.integers(0, 2**63 - 1),
)
scenes = st.none() | st.builds(ViewedScene, score=shares, threshold=shares, box=st.none() | normal_boxes())
views = st.builds(
    CameraView,
    camera_id=camera_ids,
    captured_mono=st.integers(0, 2**63 - 1).map(MonotonicNs),
    objects=st.lists(objects, max_size=40).map(tuple),
    scene=scenes,
)
THING = ViewedObject(NormalBox(0.1, 0.2, 0.3, 0.4), EventKind.PERSON, "person", 0.5, has_event=False, number=7)
SEEN = CameraView(CameraId("yard"), MonotonicNs(5), (THING,), ViewedScene(0.4, 0.6))


def near(one: NormalBox, other: NormalBox) -> bool:
    sides = ((one.x1, other.x1), (one.y1, other.y1), (one.x2, other.x2), (one.y2, other.y2))
    return all(abs(here - there) <= STEP for here, there in sides)


@given(views)
def test_a_view_comes_out_as_it_went_in_and_is_under_four_kilobytes_whatever_is_seen(view: CameraView) -> None:
    payload = encode_view_message(view)
    assert len(payload) <= LARGEST_VIEW_BYTES < 4096
    assert is_view(payload)
    read = decode_view_message(payload)
    assert isinstance(read, CameraView)
    assert (read.camera_id, read.captured_mono) == (view.camera_id, view.captured_mono)
    assert (read.scene is None) == (view.scene is None)
    assert len(read.objects) <= min(len(view.objects), MOST_VIEWED)
    ranked = sorted(view.objects, key=lambda one: (not one.has_event, -one.score))
    for there, here in zip(ranked, read.objects, strict=False):
        assert near(there.box, here.box)
        assert (there.kind, there.has_event, min(there.number, 2**53)) == (here.kind, here.has_event, here.number)
        assert abs(there.score - here.score) < 1e-3
    assert encode_view_message(read) == encode_view_message(decode_again(read))


def decode_again(view: CameraView) -> CameraView:
    again = decode_view_message(encode_view_message(view))
    assert isinstance(again, CameraView)
    return again


@given(camera_ids)
def test_a_watch_comes_out_as_it_went_in_and_is_no_view(camera: CameraId) -> None:
    payload = encode_view_message(ViewWatch(camera))
    assert decode_view_message(payload) == ViewWatch(camera)
    assert not is_view(payload)


def test_what_the_page_reads_is_named_as_it_was_agreed() -> None:
    seen = replace(SEEN, scene=ViewedScene(0.4, 0.6, NormalBox(0, 0, 1, 1)))
    assert json.loads(encode_view_message(seen)) == {
        "type": "view",
        "camera_id": "yard",
        "captured_mono_ns": 5,
        "objects": [
            {
                "box": [0.1, 0.2, 0.3, 0.4],
                "kind": "person",
                "label": "person",
                "score": 0.5,
                "event": False,
                "number": 7,
            }
        ],
        "scene": {"score": 0.4, "threshold": 0.6, "box": [0, 0, 1, 1]},
    }
    assert json.loads(encode_view_message(ViewWatch(CameraId("yard")))) == {"type": "watch", "camera_id": "yard"}


def test_thirty_objects_with_usual_labels_all_have_room() -> None:
    crowd = tuple(
        replace(THING, number=1_772_366_400_000 + n, box=NormalBox(1 / 7, 1 / 3, 2 / 3, 6 / 7)) for n in range(30)
    )
    assert len(decode_again(replace(SEEN, objects=crowd)).objects) == 30


def test_who_has_an_event_is_shown_before_who_is_seen_best() -> None:
    crowd = tuple(replace(THING, score=0.9, number=number) for number in range(40))
    sought = replace(THING, score=0.1, has_event=True, number=99)
    read = decode_again(replace(SEEN, objects=(*crowd, sought)))
    assert len(read.objects) == MOST_VIEWED
    assert read.objects[0].number == 99


def test_a_number_that_is_none_costs_nobody_the_view() -> None:
    odd = replace(SEEN, objects=(replace(THING, score=math.nan, label=""),), scene=ViewedScene(math.inf, math.nan))
    read = decode_again(odd)
    assert (read.objects[0].score, read.objects[0].label) == (0, "?")
    assert read.scene == ViewedScene(1, 0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "look"}, "type"),
        ({"type": None}, "type"),
        ({"camera_id": "../x"}, "camera_id"),
        ({"captured_mono_ns": -1}, "captured_mono_ns"),
        ({"captured_mono_ns": 1.5}, "captured_mono_ns"),
        ({"objects": {}}, "objects"),
        ({"objects": [{}] * 31}, "objects"),
        ({"objects": [5]}, "objects[0]"),
        ({"objects": [{"box": [0, 0, 0, 1]}]}, "objects[0].box"),
        ({"scene": []}, "scene"),
        ({"scene": {"score": 2, "threshold": 0}}, "scene.score"),
        ({"scene": {"score": 0, "threshold": 0, "box": [1]}}, "scene.box"),
    ],
)
def test_a_wrong_message_is_refused_by_its_first_wrong_field(change: dict[str, object], field: str) -> None:
    document = json.loads(encode_view_message(SEEN)) | change
    with pytest.raises(ContractError) as caught:
        decode_view_message(json.dumps(document).encode())
    assert caught.value.field == field


@given(
    st.binary(max_size=300) | st.recursive(st.none() | st.booleans(), st.lists).map(lambda it: json.dumps(it).encode())
)
def test_whatever_anybody_says_ends_in_one_clear_error(payload: bytes) -> None:
    with pytest.raises(ContractError):
        decode_view_message(payload)


@given(with_a_hostile_number(json.loads(encode_view_message(SEEN))))
def test_no_number_whatever_it_is_comes_through_that_no_page_can_read(payload: bytes) -> None:
    try:
        read = decode_view_message(payload)
    except ContractError:
        return
    assert isinstance(read, CameraView)
    encode_view_message(read)


def test_a_message_larger_than_any_of_ours_is_not_even_parsed() -> None:
    watch = encode_view_message(ViewWatch(CameraId("yard")))
    with pytest.raises(ContractError, match="4001 bytes"):
        decode_view_message(watch + b" " * (4001 - len(watch)))
    assert decode_view_message(watch + b" " * (4000 - len(watch))) == ViewWatch(CameraId("yard"))
