"""Where a picture lies."""

from hypothesis import given

from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.snapshot import clip_object_key, clip_objects_of, snapshot_key, snapshots_of
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.strategies import camera_ids, event_ids, thing_names

LONGEST_TEXT_OF_AN_EVENT = 256
NOON = UtcNs(1_772_366_400 * NS_PER_S)


def test_the_key_names_thing_camera_day_and_event() -> None:
    event = new_event_id(NOON, bytes(10))
    key = snapshot_key(ThingName("yard-1"), CameraId("gate"), event)
    assert key == f"snapshots/yard-1/gate/2026-03-01/{event}.jpg"
    assert (
        clip_object_key(ThingName("yard-1"), CameraId("gate"), event) == f"clips/yard-1/gate/2026-03-01/{event}.001.mp4"
    )


def test_an_id_from_the_end_of_time_has_a_day_too() -> None:
    event = EventId("ffffffff-ffff-7000-8000-000000000000")
    assert "/9999-12-31/" in snapshot_key(ThingName("a"), CameraId("b"), event)


@given(thing_names, camera_ids, event_ids())
def test_every_key_lies_under_its_own_thing_and_fits_into_an_event(
    thing: ThingName, camera: CameraId, event: EventId
) -> None:
    key = snapshot_key(thing, camera, event)
    assert key.startswith(snapshots_of(thing))
    assert len(key) <= LONGEST_TEXT_OF_AN_EVENT
    clip = clip_object_key(thing, camera, event, 999_999)
    assert clip.startswith(clip_objects_of(thing))
    assert len(clip) <= LONGEST_TEXT_OF_AN_EVENT
