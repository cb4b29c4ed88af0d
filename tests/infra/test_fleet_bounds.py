"""What one device can do to what is stored of it, and to the watch: little, and never so that nobody notices."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.aws.dynamo import Table
from infra.fleet.runtime.aws import DynamoRegistry
from infra.fleet.runtime.codec import dump_device, load_device
from infra.fleet.runtime.device import MOST_CAMERAS_KEPT, NEVER, Fleet, Presence
from infra.fleet.runtime.folding import heard, noticed, with_health
from infra.fleet.runtime.hearing import Hearing, Sign, SignOutcome
from infra.fleet.runtime.judging import Policy
from infra.fleet.runtime.pace import GOODBYE_SPARE, HEALTH_PACE, PRESENCE_PACE, REFUSAL_PACE, SignPace
from infra.fleet.runtime.ports import Registry
from infra.fleet.runtime.watching import Watching
from smartcam.contract.errors import ContractError
from smartcam.contract.health import MOST_CAMERAS, CameraCondition, CameraHealth, DeviceState, Health
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import Arming
from tests.fakes.aws import FakeRefusals
from tests.fakes.registry import FakeAlerts, FakeAnswers, FakeRegistry
from tests.infra.fleet_yard import RUNNING, World, health, health_document, presence_document
from tests.infra.sample import NOON
from tests.strategies import healths

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PI = ThingName("pi-1")
HOUR_S = 3600


@pytest.fixture
def stored(dynamodb: "DynamoDBClient") -> DynamoRegistry:
    return DynamoRegistry(Table(dynamodb, "history"))


def at(second: float) -> UtcNs:
    return UtcNs(NOON + round(second * NS_PER_S))


def hear(registry: Registry, document: dict[str, object], refusals: FakeRefusals | None = None) -> SignOutcome:
    return Hearing(registry, refusals or FakeRefusals(), FakeAnswers()).take(Sign.from_rule(document))


def new_cameras(round_: int, count: int = MOST_CAMERAS) -> tuple[CameraHealth, ...]:
    return tuple(CameraHealth(CameraId(f"c{round_}-{number}"), CameraCondition.AWAITED) for number in range(count))


def test_nine_health_messages_with_new_cameras_each_do_not_blind_the_watch(stored: DynamoRegistry) -> None:
    for seq in range(1, 12):
        word = health(PI, seq=seq, uptime_s=1, cameras=new_cameras(seq))
        assert hear(stored, health_document(word, at(300 * seq))) is SignOutcome.KEPT
    device = stored.device(PI)
    assert device is not None
    assert (device.seq, device.damage, len(device.cameras)) == (11, "", MOST_CAMERAS_KEPT)
    alerts = FakeAlerts()
    Watching(stored, alerts, Policy()).check(at(300 * 11 + HOUR_S))
    assert [event.kind.value for event in alerts.alerts] == ["device_lost"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(healths, st.integers(0, 900)), min_size=1, max_size=8))
def test_whatever_a_device_says_what_is_kept_of_it_can_be_read_again(said: Sequence[tuple[Health, int]]) -> None:
    device, now = None, NOON
    for word, pause_s in said:
        now = UtcNs(now + pause_s * NS_PER_S)
        device = heard(device, word, now)
        assert len(device.cameras) <= MOST_CAMERAS_KEPT
        assert load_device(dump_device(device), device.revision) == device


def test_what_is_listed_now_is_kept_before_what_is_missing_and_what_was_seen_before_what_was_not() -> None:
    seen = tuple(CameraHealth(CameraId(f"seen-{number}"), RUNNING) for number in range(MOST_CAMERAS))
    device = with_health(None, health(PI, uptime_s=1, cameras=seen), at(0))
    for seq in range(2, 6):
        device = with_health(device, health(PI, seq=seq, uptime_s=1, cameras=new_cameras(seq)), at(seq))
    kept = {one.camera_id for one in device.cameras}
    assert {one.camera_id for one in seen} < kept
    assert {one.camera_id for one in new_cameras(5)} < kept


def test_a_person_cannot_retire_so_many_cameras_that_the_device_becomes_unreadable() -> None:
    device = with_health(None, health(PI), NOON)
    for number in range(MOST_CAMERAS_KEPT):
        device = device.with_retirement(retired=True, camera=CameraId(f"c{number}"))
    assert device.with_retirement(retired=True, camera=CameraId("c0")) == device
    with pytest.raises(ContractError, match="at most 64"):
        device.with_retirement(retired=True, camera=CameraId("one-more"))


def test_a_hundred_health_messages_a_second_are_not_written_each_time() -> None:
    world = World()
    saved = 0
    for number in range(100 * 60):
        word = health(PI, seq=number + 1, analysed=number)
        saved += hear(world.registry, health_document(word, at(number / 100))) is SignOutcome.KEPT
    assert HEALTH_PACE.burst <= saved <= HEALTH_PACE.burst + 60 / HEALTH_PACE.every_s + 2  # and a note
    assert world.registry.items[PI].loud_at > NEVER


def test_ten_seconds_between_reports_for_a_day_and_every_goodbye_among_them_are_all_kept() -> None:
    world, states = World(), list(DeviceState)
    for number in range(6 * 60 * 24):
        state = states[number % 2]
        word = health(PI, run=f"r{number // 2}", seq=number % 2, state=state)
        assert hear(world.registry, health_document(word, at(10 * number))) is SignOutcome.KEPT
        assert world.registry.items[PI].state is state
    assert world.registry.items[PI].loud_at == NEVER


def test_a_goodbye_at_the_end_of_an_hour_of_reports_that_arrive_at_once_is_kept() -> None:
    world = World()
    for number in range(360):
        hear(world.registry, health_document(health(PI, seq=number + 1), at(number / 1000)))
    goodbye = health(PI, seq=361, state=DeviceState.STOPPING)
    assert hear(world.registry, health_document(goodbye, at(0.4))) is SignOutcome.KEPT
    assert world.registry.items[PI].state is DeviceState.STOPPING


def test_goodbyes_without_end_are_bounded_too() -> None:
    world = World()
    kept = sum(
        hear(world.registry, health_document(health(PI, seq=number + 1, state=DeviceState.STOPPING), at(number / 100)))
        is SignOutcome.KEPT
        for number in range(2000)
    )
    assert kept <= HEALTH_PACE.burst + GOODBYE_SPARE + 20 / HEALTH_PACE.every_s + 2


def test_a_connection_that_comes_and_goes_a_hundred_times_a_second_costs_the_device_nothing_of_its_own() -> None:
    world = World()
    hear(world.registry, health_document(health(PI), at(0)))
    kept = 0
    for number in range(200):
        kind = "connected" if number % 2 else "disconnected"
        kept += hear(world.registry, presence_document(PI, kind, at(number / 100), number // 2)) is SignOutcome.KEPT
    assert kept <= PRESENCE_PACE.burst + 1  # and a note
    for seq, state in enumerate((DeviceState.RUNNING, DeviceState.STOPPING), 2):
        word = health(PI, seq=seq, state=state)
        assert hear(world.registry, health_document(word, at(2))) is SignOutcome.KEPT


@given(
    st.builds(SignPace, st.integers(1, 50), st.integers(1, 100)),
    st.lists(st.integers(0, 200_000), min_size=1, max_size=200).map(sorted),
)
def test_a_pace_takes_no_more_than_its_burst_and_one_a_step_and_never_less(pace: SignPace, moments: list[int]) -> None:
    until, taken = NEVER, []
    for ms in moments:
        now = UtcNs(NOON + ms * 1_000_000)
        after = pace.taken(until, now)
        if after is not None:
            until = after
            taken.append(ms)
        else:
            assert len(taken) >= pace.burst
    for first in range(len(taken)):
        span_ms = taken[-1] - taken[first]
        assert len(taken) - first <= pace.burst + span_ms // (pace.every_s * 1000) + 1


@given(st.sampled_from([HEALTH_PACE, PRESENCE_PACE, REFUSAL_PACE]), st.integers(0, 2**63))
def test_no_time_that_was_kept_by_mistake_silences_a_device_for_ever(pace: SignPace, kept: int) -> None:
    now = UtcNs(NOON + 5 * pace.burst * pace.every_s * NS_PER_S)
    assert pace.taken(UtcNs(kept), NOON) is not None or pace.taken(UtcNs(kept), now) is not None


@pytest.mark.parametrize("kind", ["fake", "table"])
def test_unreadable_health_without_end_does_not_fill_the_queue_of_failures(kind: str, stored: DynamoRegistry) -> None:
    registry: Registry = FakeRegistry() if kind == "fake" else stored
    refusals = FakeRefusals()
    for number in range(200):
        document = {"payload": "e30=", "topic_thing": str(PI), "arrived_ms": (NOON + number * NS_PER_S) // 1_000_000}
        assert hear(registry, document, refusals) is SignOutcome.REFUSED
    assert len(refusals.kept) == REFUSAL_PACE.burst
    other = {"payload": "e30=", "topic_thing": "pi-2", "arrived_ms": NOON // 1_000_000}
    hear(registry, other, refusals)
    assert len(refusals.kept) == REFUSAL_PACE.burst + 1
    day = {"payload": "e30=", "topic_thing": str(PI), "arrived_ms": at(86_400) // 1_000_000}
    hear(registry, day, refusals)
    assert len(refusals.kept) == REFUSAL_PACE.burst + 2


def test_what_cannot_be_read_again_is_refused_and_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals, registry = FakeRefusals(), FakeRegistry()
    monkeypatch.setattr("tests.fakes.registry.dump_device", lambda _: "{}")
    assert hear(registry, health_document(health(PI), NOON), refusals) is SignOutcome.REFUSED
    assert registry.items == {}
    assert [why for _, why in refusals.kept] == ["thing: is missing"]


@pytest.mark.parametrize("kind", ["fake", "table"])
def test_a_time_that_is_too_far_to_be_read_again_is_never_written(kind: str, stored: DynamoRegistry) -> None:
    registry: Registry = FakeRegistry() if kind == "fake" else stored
    hear(registry, health_document(health(PI), NOON))
    device = registry.device(PI)
    assert device is not None
    with pytest.raises(ContractError, match="1180591620717411303424 is too large"):
        registry.save(device.paused(UtcNs(2**70)))  # as `devices pause --for` a billion days would
    refusals, year_9000 = FakeRefusals(), UtcNs(221_845_392_000 * NS_PER_S)
    assert hear(registry, presence_document(PI, "connected", year_9000, 9), refusals) is SignOutcome.REFUSED
    assert len(refusals.kept) == 1
    assert registry.device(PI) == device


def damage(dynamodb: "DynamoDBClient", thing: str, **attributes: object) -> None:
    key = {"camera": {"S": "fleet"}, "item": {"S": f"device#{thing}"}}
    item = dynamodb.get_item(TableName="history", Key=key).get("Item", key)
    changed = {**item, **attributes}
    dynamodb.put_item(TableName="history", Item={name: one for name, one in changed.items() if one is not None})  # type: ignore[misc]  # as an operator's mistake would


BROKEN = {
    "no JSON": {"S": "{"},
    "nothing in it": {"S": "{}"},
    "not text": {"N": "7"},
    "missing": None,
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=list(BROKEN))
def test_the_silence_of_an_unreadable_device_is_told_of_and_blinds_nobody(
    document: object, stored: DynamoRegistry, dynamodb: "DynamoDBClient"
) -> None:
    for thing in ("pi-1", "pi-2", "pi-3", "pi-4"):
        hear(stored, health_document(health(thing), at(0)))
    damage(dynamodb, "pi-1", document=document)
    found = {one.thing: one for one in stored.devices()}
    assert bool(found[PI].damage)
    assert found[PI].heard_at == at(0)
    for thing in ("pi-3", "pi-4"):
        hear(stored, health_document(health(thing, seq=2), at(700)))
    alerts = FakeAlerts()
    for second in (701, 760):
        Watching(stored, alerts, Policy()).check(at(second))
    assert sorted(f"{event.kind} {event.thing}" for event in alerts.alerts) == ["device_lost pi-1", "device_lost pi-2"]
    assert hear(stored, health_document(health(PI, seq=2), at(800))) is SignOutcome.KEPT
    mended = stored.device(PI)
    assert mended is not None
    assert (mended.damage, mended.heard_at) == ("", at(800))


def test_what_people_want_of_a_damaged_device_survives_where_it_can_be_read(
    stored: DynamoRegistry, dynamodb: "DynamoDBClient"
) -> None:
    device = with_health(None, health(PI, wanted_revision=0), NOON).wanting(None, Arming(armed=False), NOON)
    stored.save(device.with_retirement(retired=True))
    text = dynamodb.get_item(TableName="history", Key={"camera": {"S": "fleet"}, "item": {"S": "device#pi-1"}})
    document = json.loads(text["Item"]["document"]["S"])
    cameras = [{"camera_id": f"c{number}", "condition": "awaited", "seen_at": 0, "fps": 0} for number in range(288)]
    damage(dynamodb, "pi-1", document={"S": json.dumps(document | {"cameras": cameras, "seq": "many"})})
    assert hear(stored, health_document(health(PI, seq=2, wanted_revision=0), at(300))) is SignOutcome.KEPT
    mended = stored.device(PI)
    assert mended is not None
    assert mended.retired
    assert mended.wanted.revision == 1
    assert [one.camera_id for one in mended.cameras] == ["gate"]


def test_an_unreadable_note_of_the_whole_fleet_does_not_stop_the_watch_and_is_mended(
    stored: DynamoRegistry, dynamodb: "DynamoDBClient"
) -> None:
    hear(stored, health_document(health(PI), NOON))
    key = {"camera": {"S": "fleet"}, "item": {"S": "fleet"}}
    dynamodb.put_item(TableName="history", Item={**key, "document": {"S": "[]"}, "revision": {"N": "4"}})
    alerts = FakeAlerts()
    Watching(stored, alerts, Policy()).check(at(HOUR_S))
    assert [event.kind.value for event in alerts.alerts] == ["device_lost"]
    assert stored.fleet() == Fleet(revision=5)


def test_an_item_without_a_thing_and_one_without_a_time_blind_nobody(
    stored: DynamoRegistry, dynamodb: "DynamoDBClient", caplog: pytest.LogCaptureFixture
) -> None:
    hear(stored, health_document(health(PI), at(0)))
    damage(dynamodb, "not/a/thing", document={"S": "{}"})
    damage(dynamodb, "pi-9", document={"S": "{}"})
    assert [one.thing for one in stored.devices()] == ["pi-1", "pi-9"]
    assert caplog.text.count("device_unreadable") == 2
    alerts = FakeAlerts()
    Watching(stored, alerts, Policy()).check(at(1))
    assert [(event.kind.value, event.thing) for event in alerts.alerts] == [("device_lost", "pi-9")]


def test_a_late_word_of_the_broker_within_the_pace_is_folded_in_as_before() -> None:
    device = noticed(with_health(None, health(PI), NOON), Presence(connected=False, at=NOON, version=3), NOON)
    assert not device.presence.connected
    assert noticed(device, Presence(connected=True, at=NOON, version=2), NOON) is device
