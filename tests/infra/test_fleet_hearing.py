"""A sign of life: checked, folded in, and kept where nobody else's word is lost."""

import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.queues import SqsRefusals
from infra.alerts.runtime.clip_keys import MOST_KEYS
from infra.fleet.runtime import handler
from infra.fleet.runtime.aws import DynamoRegistry
from infra.fleet.runtime.codec import dump_device, dump_fleet, load_device, load_fleet, salvage_device
from infra.fleet.runtime.device import Device, Fleet, KnownCamera, Outage, OutageKind, Presence
from infra.fleet.runtime.folding import with_health, with_presence
from infra.fleet.runtime.hearing import Hearing, Sign, SignOutcome, is_of_a_stranger
from infra.fleet.runtime.ports import ChangedMeanwhile, Registry
from smartcam.contract.errors import ContractError
from smartcam.contract.health import DeviceState, Health, OutboxHealth
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import FakeRefusals
from tests.fakes.registry import FakeAnswers, FakeRegistry
from tests.infra.fleet_yard import GATE, health, health_document, presence_document
from tests.infra.sample import NOON
from tests.strategies import (
    camera_healths,
    camera_ids,
    clip_key_texts,
    event_ids,
    healths,
    thing_names,
    utc_ms,
    wanteds,
    with_a_hostile_number,
)
from tools.alerts.history import HistoryReader

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PI = ThingName("pi-1")
times = st.integers(0, 2**62).map(UtcNs)
outages = st.builds(
    Outage,
    event_id=event_ids(),
    kind=st.sampled_from(OutageKind),
    since=times,
    noticed_at=times,
    told=st.booleans(),
    ended_at=st.none() | times,
    cameras=st.lists(camera_ids, max_size=3).map(tuple),
    count=st.integers(0, 99),
    total=st.integers(0, 99),
)
devices = st.builds(
    Device,
    thing=thing_names,
    first_seen=times,
    heard_at=times,
    state=st.sampled_from(DeviceState),
    every_s=st.integers(1, 86_400),
    run=st.just("") | st.just("run-1"),
    seq=st.integers(0, 2**40),
    version=st.just("") | st.just("0.1.0"),
    model=st.just("") | st.just("eyes 1.2.0"),
    events_waiting=st.none() | st.integers(0, 10**6),
    oldest_waiting_ms=st.none() | st.integers(0, 10**9),
    cameras=st.lists(
        st.builds(
            KnownCamera,
            camera_id=camera_ids,
            condition=camera_healths.map(lambda one: one.condition),
            seen_at=times,
            frames_per_second=st.floats(0, 1e6),
            armed=st.none() | st.booleans(),
            collects_footage=st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    presence=st.builds(Presence, connected=st.booleans(), at=times, version=st.integers(-1, 10**6)),
    paused_until=times,
    retired=st.booleans(),
    retired_cameras=st.frozensets(camera_ids, max_size=3),
    outage=st.none() | outages,
    camera_outage=st.none() | outages,
    back_at=times,
    wanted=wanteds,
    wanted_revision=st.none() | st.integers(0, 2**40),
    cloud_takes=st.none() | st.just(()) | st.just(("recorded", "held_back")),
    clip_keys=st.dictionaries(clip_key_texts, utc_ms, max_size=MOST_KEYS),
    health_until=times,
    presence_until=times,
    loud_at=times,
    revision=st.just(7),
)


def hear(registry: Registry, document: dict[str, object], refusals: FakeRefusals | None = None) -> SignOutcome:
    return Hearing(registry, refusals or FakeRefusals(), FakeAnswers()).take(Sign.from_rule(document))


@given(devices)
def test_a_device_that_is_stored_comes_back(device: Device) -> None:
    assert load_device(dump_device(device), 7) == device


@given(st.builds(Fleet, outage=st.none() | outages, recovering_since=st.none() | times, revision=st.just(3)))
def test_a_fleet_that_is_stored_comes_back(fleet: Fleet) -> None:
    assert load_fleet(dump_fleet(fleet), 3) == fleet


@given(devices, st.data())
def test_a_number_that_nobody_can_reckon_with_is_refused(device: Device, drawn: st.DataObject) -> None:
    for stored, load in ((dump_device(device), load_device), (dump_fleet(Fleet()), load_fleet)):
        text = drawn.draw(with_a_hostile_number(json.loads(stored))).decode()
        with pytest.raises(ContractError, match="is not JSON"):
            load(text, 1)


@given(st.text(max_size=40))
def test_what_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(ContractError):
        load_device(text, 1)


@given(healths, times)
def test_a_sign_of_life_is_folded_in_once_however_often_it_comes(word: Health, at: UtcNs) -> None:
    once = with_health(None, word, at)
    assert with_health(once, word, UtcNs(at + NS_PER_S)) == once
    assert (once.thing, once.heard_at, once.events_waiting) == (word.thing, at, word.outbox.waiting)
    assert (once.bundle_refused, once.configuration_refused) == (
        word.bundle_refused or "",
        word.configuration_refused or "",
    )
    assert (once.version, once.capture_version, once.release_refused) == (
        word.version,
        word.capture_version or "",
        word.release_refused or "",
    )
    assert {one.camera_id for one in once.cameras} == {one.camera_id for one in word.cameras}


words = st.builds(Presence, connected=st.booleans(), at=st.just(NOON), version=st.integers(0, 5))


@given(st.lists(words, min_size=1, max_size=6, unique_by=lambda one: (one.version, one.connected)), st.randoms())
def test_the_brokers_words_give_the_same_device_in_any_order(said: list[Presence], random: Random) -> None:
    device = Device(PI, NOON, NOON)
    shuffled = list(said)
    random.shuffle(shuffled)
    first, second = device, device
    for word in said:
        first = with_presence(first, word)
    for word in shuffled:
        second = with_presence(second, word)
    assert first == second
    last = max(said, key=lambda word: (word.version, not word.connected))
    assert first.presence.connected == last.connected


def test_the_brokers_count_begins_anew_after_an_hour() -> None:
    device = Device(PI, NOON, NOON, presence=Presence(connected=False, at=NOON, version=9))
    later = UtcNs(NOON + 3700 * NS_PER_S)
    assert with_presence(device, Presence(connected=True, at=later, version=0)).presence.connected
    soon = UtcNs(NOON + 60 * NS_PER_S)
    assert with_presence(device, Presence(connected=True, at=soon, version=0)) == device


def test_a_late_word_of_the_same_process_changes_nothing() -> None:
    device = with_health(None, health(seq=5, state=DeviceState.STOPPING), NOON)
    assert with_health(device, health(seq=4), UtcNs(NOON + NS_PER_S)) == device


def test_the_keys_that_a_device_has_named_are_known_since_they_first_were_and_the_oldest_of_many_go() -> None:
    device, told = with_health(None, health(), NOON), 2 * [*range(MOST_KEYS + 2), MOST_KEYS + 1]
    assert not device.clip_keys
    for at, number in enumerate(told):
        word = replace(health(seq=2 * at + 2), clip_key=f"{number:064x}")
        device = with_health(device, word, UtcNs(NOON + at * NS_PER_S))
        device = with_health(device, replace(health(seq=2 * at + 3), clip_key=None), device.heard_at)
        if at == MOST_KEYS + 2:
            assert list(device.clip_keys.items()) == [
                (f"{one:064x}", NOON + one * NS_PER_S) for one in range(2, MOST_KEYS + 2)
            ]
    assert len(device.clip_keys) == MOST_KEYS


@pytest.mark.parametrize("keys", ["x", "f" * 64, f"{'f' * 64}@noon", f"{'F' * 64}@2026-03-01T12:00:00.000Z"])
def test_stored_keys_that_cannot_be_read_cost_only_themselves(keys: str) -> None:
    text = dump_device(with_health(None, replace(health(), clip_key="f" * 64), NOON))
    spoilt = json.dumps(json.loads(text) | {"clip_keys": keys})
    with pytest.raises(ContractError, match="clip_keys"):
        load_device(spoilt, 1)
    salvaged = salvage_device(spoilt, Device(PI, NOON, NOON))
    assert (salvaged.run, dict(salvaged.clip_keys)) == ("r1", {})


def test_the_first_word_makes_a_device_known_and_the_brokers_word_alone_does_not() -> None:
    registry = FakeRegistry()
    assert hear(registry, presence_document("pi-1", "connected", NOON, 1)) is SignOutcome.UNKNOWN
    assert hear(registry, health_document(health(outbox=OutboxHealth(3, oldest_ms=9)), NOON)) is SignOutcome.KEPT
    assert hear(registry, presence_document("pi-1", "disconnected", NOON, 1)) is SignOutcome.KEPT
    assert registry.items[PI].events_waiting == 3
    assert not registry.items[PI].presence.connected


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (health_document(health(), NOON, topic_thing="pi-2"), "thing: must be pi-2, as in the topic"),
        ({"payload": "", "topic_thing": "pi-1", "arrived_ms": 1}, "health: is not JSON"),
        ({"payload": "e30=", "topic_thing": "pi-1", "arrived_ms": 1}, "schema: is missing"),
        ({"payload": "eyJzY2hlbWEiOjJ9", "topic_thing": "pi-1", "arrived_ms": 1}, "schema: must be 1"),
        (presence_document("pi-1", "asleep", NOON, 1), "presence: must be connected"),
    ],
)
def test_what_cannot_be_taken_is_kept_with_the_reason(document: dict[str, object], reason: str) -> None:
    registry, refusals = FakeRegistry(), FakeRefusals()
    assert hear(registry, document, refusals) is SignOutcome.REFUSED
    [(kept, why)] = refusals.kept
    assert why.startswith(reason)
    assert kept["topic_thing"] == "pi-1" or "as in the topic" in why
    assert registry.items == {}


@pytest.mark.parametrize("client", ["my.laptop", "a/b", "", "x" * 200])
def test_other_clients_of_the_account_are_none_of_our_business(client: str) -> None:
    document = presence_document(client, "connected", NOON, 1)
    assert is_of_a_stranger(document)
    assert handler.hear(document, None) is SignOutcome.UNKNOWN
    assert not is_of_a_stranger(health_document(health(), NOON, topic_thing=client))
    assert not is_of_a_stranger(presence_document("pi-1", "connected", NOON, 1))


def test_what_is_kept_has_the_shape_of_lambdas_own_failures() -> None:
    sent: list[dict[str, str]] = []

    class Queue:
        def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> object:  # noqa: N803
            assert DelaySeconds == 0
            sent.append({"url": QueueUrl, "body": MessageBody})
            return None

    sign = Sign.from_rule(presence_document("pi-1", "asleep", NOON, 1))
    SqsRefusals(Queue(), "https://queue").keep(sign.document(), "no")
    [message] = sent
    body = json.loads(message["body"])
    assert message["url"] == "https://queue"
    assert body["requestContext"] == {"condition": "Refused"}
    assert Sign.from_rule(body["requestPayload"]) == sign


class Contended(FakeRegistry):
    """Somebody else is always a little faster."""

    rivals = 2

    def save(self, device: Device) -> Device:
        if self.rivals:
            self.rivals -= 1
            known = self.items.get(device.thing) or Device(device.thing, NOON, NOON)
            super().save(replace(known, back_at=UtcNs(known.back_at + 1)))
        return super().save(device)


def test_a_rivals_change_is_not_lost() -> None:
    registry = Contended()
    assert hear(registry, health_document(health(), NOON)) is SignOutcome.KEPT
    assert registry.items[PI].back_at == 2
    assert registry.items[PI].run == "r1"


def test_against_too_many_rivals_the_message_is_left_to_the_next_try() -> None:
    registry = Contended()
    registry.rivals = 99
    with pytest.raises(ChangedMeanwhile):
        hear(registry, health_document(health(), NOON))


@pytest.fixture
def stored(dynamodb: "DynamoDBClient") -> DynamoRegistry:
    return DynamoRegistry(Table(dynamodb, "history"))


def test_the_table_keeps_devices_and_the_fleet_apart_and_counts_their_changes(stored: DynamoRegistry) -> None:
    assert (stored.device(PI), stored.devices(), stored.fleet()) == (None, [], Fleet())
    device = stored.save(with_health(None, health(), NOON))
    other = stored.save(with_health(None, health("pi-2"), NOON))
    fleet = stored.save_fleet(Fleet(recovering_since=NOON))
    assert (device.revision, fleet.revision) == (1, 1)
    assert stored.device(PI) == device
    assert stored.devices() == [device, other]
    assert stored.fleet() == fleet
    assert stored.save(device.paused(NOON)).revision == 2


@pytest.mark.parametrize("revision", [0, 5])
def test_the_table_refuses_a_change_of_what_has_changed(stored: DynamoRegistry, revision: int) -> None:
    device = stored.save(with_health(None, health(), NOON))
    with pytest.raises(ChangedMeanwhile):
        stored.save(replace(device, revision=revision))
    stored.save_fleet(Fleet())
    with pytest.raises(ChangedMeanwhile):
        stored.save_fleet(Fleet(revision=revision))


def test_the_table_and_the_fake_hear_alike(stored: DynamoRegistry) -> None:
    fake = FakeRegistry()
    for document in (
        health_document(health(), NOON),
        presence_document("pi-1", "disconnected", NOON, 1),
        health_document(health(seq=2), UtcNs(NOON + NS_PER_S)),
        health_document(health(seq=2), UtcNs(NOON + NS_PER_S)),
    ):
        assert hear(stored, document) == hear(fake, document)
    assert stored.devices() == fake.devices()
    assert stored.devices()[0].cameras[0].camera_id == GATE


def test_a_key_that_a_health_message_names_can_be_asked_for_with_when_it_came(stored: DynamoRegistry) -> None:
    word = replace(health(), clip_key="f" * 64)
    assert hear(stored, health_document(word, NOON)) is SignOutcome.KEPT
    assert hear(stored, health_document(replace(word, seq=word.seq + 1), UtcNs(NOON + NS_PER_S))) is SignOutcome.KEPT
    assert HistoryReader(stored.table.client, stored.table.name).clip_keys(PI) == {"f" * 64: NOON}
