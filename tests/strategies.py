"""Hypothesis strategies for the words on the wire."""

import json
import string
from dataclasses import replace

from hypothesis import strategies as st

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import ClipPart, Event, EventKind, NormalBox, Phase, Severity
from smartcam.contract.health import (
    CameraCondition,
    CameraHealth,
    DeviceState,
    FrameHealth,
    Health,
    OutboxHealth,
    SceneHealth,
    SceneStage,
)
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.notice import CameraState, FrameNotice, PixelBox, StatusNotice
from smartcam.contract.times import NS_PER_MS, MonotonicNs, UtcNs
from smartcam.contract.wanted import MOST_VERDICTS, MOST_WISHES, NOTHING_WANTED, Arming, Verdict, Wanted

MS_OF_YEAR_2100 = 4_102_444_800_000
NAME = string.ascii_letters + string.digits + "-_"

integers = st.integers(-(2**63), 2**63 - 1)
huge_integers = st.integers(2**63) | st.integers(max_value=-(2**63) - 1) | st.integers(20, 4000).map(lambda n: 10**n)
"""What Python alone takes for a number."""
hostile_numbers = (
    huge_integers.map(str)
    | st.sampled_from(["1e400", "-1e400", "1e999999", "NaN", "Infinity", "-Infinity", "1" * 5000, "-" + "9" * 400])
    | st.integers(310, 5000).map(lambda digits: f"{'9' * digits}.5")
)
"""Numbers as they may stand in JSON that no reader takes."""


@st.composite
def with_a_hostile_number(draw: st.DrawFn, document: dict[str, object]) -> bytes:
    """The document as JSON with a hostile number somewhere: in place of a value of it, or below a new name."""
    mark, number = "\ue000", draw(hostile_numbers)
    key = draw(st.sampled_from([*document, "of_tomorrow"]))
    wrapped = draw(st.sampled_from([mark, [mark], {"value": mark}, [[{"value": [0, mark]}]]]))
    return json.dumps(document | {key: wrapped}, ensure_ascii=False).replace(f'"{mark}"', number).encode()


utc_ms = st.integers(0, MS_OF_YEAR_2100).map(lambda ms: UtcNs(ms * NS_PER_MS))
counts = st.integers(0, 2**63 - 1)
camera_ids = st.text(NAME, min_size=1, max_size=64).map(CameraId)
thing_names = st.text(NAME + ":", min_size=1, max_size=128).map(ThingName)
words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40)
shares = st.floats(0, 1)


@st.composite
def event_ids(draw: st.DrawFn) -> EventId:
    return new_event_id(draw(utc_ms), draw(st.binary(min_size=10, max_size=10)))


@st.composite
def pixel_boxes(draw: st.DrawFn, width: int, height: int) -> PixelBox:
    x1, x2 = sorted(draw(st.lists(st.integers(0, width), min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(st.integers(0, height), min_size=2, max_size=2, unique=True)))
    return PixelBox(x1, y1, x2, y2)


@st.composite
def frame_notices(draw: st.DrawFn) -> FrameNotice:
    width, height = draw(st.integers(2, 8192)), draw(st.integers(2, 8192))
    return FrameNotice(
        camera_id=draw(camera_ids),
        seq=draw(counts),
        ring=draw(counts),
        slot=draw(st.integers(0, 1023)),
        width=width,
        height=height,
        captured_at=UtcNs(draw(st.integers(0, 2**62))),
        captured_mono=MonotonicNs(draw(counts)),
        position_ns=draw(counts),
        motion=tuple(draw(st.lists(pixel_boxes(width, height), max_size=16))),
    )


clip_key_texts = st.binary(min_size=32, max_size=32).map(bytes.hex)
status_notices = st.builds(
    StatusNotice,
    camera_id=camera_ids,
    state=st.sampled_from(CameraState),
    reason=st.just("") | words,
    frames_per_second=st.floats(0, 1e6),
    frames_read=counts,
    frames_announced=counts,
    opened_at=counts.map(UtcNs),
    sent_at=counts.map(UtcNs),
    version=st.just("") | words,
    release_refused=st.just("") | words,
    collects_footage=st.booleans(),
    clip_key=st.just("") | clip_key_texts,
)


@st.composite
def normal_boxes(draw: st.DrawFn) -> NormalBox:
    x1, x2 = sorted(draw(st.lists(shares, min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(shares, min_size=2, max_size=2, unique=True)))
    return NormalBox(x1, y1, x2, y2)


clip_keys = st.none() | clip_key_texts
clip_parts = st.builds(
    ClipPart,
    part=st.integers(1, 999_999),
    size=st.integers(1, 2**40),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    phase = draw(st.sampled_from(Phase))
    started_at = draw(utc_ms)
    length = draw(st.integers(0, 10**9)) * NS_PER_MS
    return Event(
        event_id=draw(event_ids()),
        thing=draw(thing_names),
        camera_id=draw(camera_ids),
        kind=draw(st.sampled_from(EventKind)),
        phase=phase,
        severity=draw(st.sampled_from(Severity)),
        started_at=started_at,
        expires_at=UtcNs(started_at + length),
        ended_at=UtcNs(started_at + length) if phase is Phase.CLEARED else None,
        score=draw(shares),
        threshold=draw(shares),
        clock_synced=draw(st.booleans()),
        age_ms=draw(st.none() | counts),
        rule=draw(st.none() | words),
        cause=draw(st.none() | words),
        zone=draw(st.none() | words),
        box=draw(st.none() | normal_boxes()),
        label=draw(st.none() | words),
        model_name=draw(st.none() | words),
        model_version=draw(st.none() | words),
        snapshot_key=draw(st.none() | words),
        suppressed=draw(counts),
        revision=draw(counts),
        scene_score=draw(st.none() | shares),
        scene_reason=draw(st.none() | st.sampled_from(("fast", "nowhere", "looks"))),
        clips=tuple(draw(st.lists(clip_parts, min_size=1, max_size=4))) if phase is Phase.RECORDED else (),
        clip_key=draw(clip_keys) if phase is Phase.RECORDED else None,
        held_back=draw(st.none() | words),
        more=draw(st.dictionaries(st.text(string.ascii_uppercase, min_size=1, max_size=8), integers, max_size=3)),
    )


acknowledgements = st.builds(
    Acknowledgement,
    event_id=event_ids(),
    phase=st.sampled_from(Phase),
    status=st.sampled_from(AckStatus),
    reason=st.just("") | words,
    revision=counts,
)

tenths = st.integers(0, 10**7).map(lambda count: count / 10)
scene_healths = st.builds(
    SceneHealth,
    stage=st.sampled_from(SceneStage),
    hours=tenths,
    of_hours=tenths,
    budget=st.floats(0, 1e6),
    raised=counts,
    drift=st.booleans(),
)
camera_healths = st.builds(
    CameraHealth,
    camera_id=camera_ids,
    condition=st.sampled_from(CameraCondition),
    frames_per_second=st.floats(0, 1e6),
    armed=st.none() | st.booleans(),
    collects_footage=st.booleans(),
    model=st.none() | words,
)
learning_cameras = st.builds(replace, camera_healths, scene=scene_healths)


def distinct(cameras: st.SearchStrategy[CameraHealth], most: int) -> st.SearchStrategy[tuple[CameraHealth, ...]]:
    return st.lists(cameras, max_size=most, unique_by=lambda one: one.camera_id).map(tuple)


taken = st.lists(st.text(NAME, min_size=1, max_size=32), max_size=4).map(tuple)
verdicts = st.lists(
    st.builds(Verdict, event_id=event_ids(), true=st.booleans()),
    max_size=MOST_VERDICTS,
    unique_by=lambda one: one.event_id,
).map(tuple)
armings = st.builds(Arming, armed=st.booleans(), until=st.none() | utc_ms, revision=counts, at=st.none() | utc_ms)
wanteds = st.just(NOTHING_WANTED) | st.builds(
    Wanted,
    revision=counts.filter(bool),
    sent_at=utc_ms,
    device=st.none() | armings,
    cameras=st.dictionaries(st.text(NAME, min_size=1, max_size=9).map(CameraId), armings, max_size=MOST_WISHES),
    takes=taken,
    verdicts=st.just(()) | verdicts,
    undone=st.just(()) | st.lists(event_ids(), max_size=3, unique=True).map(tuple),
    more=st.dictionaries(st.text(string.ascii_uppercase, min_size=1, max_size=8), integers, max_size=3),
).map(Wanted.fitting)
healths = st.builds(
    Health,
    thing=thing_names,
    state=st.sampled_from(DeviceState),
    run=words,
    seq=counts,
    sent_at=utc_ms,
    clock_synced=st.booleans(),
    uptime_s=counts,
    version=words,
    capture_version=st.none() | words,
    clip_key=clip_keys,
    release_refused=st.none() | words,
    every_s=st.integers(1, 86_400),
    model_name=st.none() | words,
    model_version=st.none() | words,
    bundle_refused=st.none() | words,
    configuration_refused=st.none() | words,
    analysed=counts,
    failed=counts,
    snapshots_waiting=counts,
    frames=st.builds(FrameHealth, **dict.fromkeys(FrameHealth.__dataclass_fields__, counts)),
    outbox=st.builds(
        OutboxHealth,
        waiting=st.none() | counts,
        refused=counts,
        dropped=counts,
        oldest_ms=st.none() | counts,
        unreadable=counts,
    ),
    cameras=distinct(camera_healths, 32) | distinct(learning_cameras, 12),
    cameras_left_out=counts,
    wanted_revision=st.none() | counts,
    cloud_takes=st.none() | taken,
    more=st.dictionaries(st.text(string.ascii_uppercase, min_size=1, max_size=8), integers, max_size=3),
)
