import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.delivery import Delivery, refused
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, Phase
from smartcam.contract.reading import parse_refused
from smartcam.contract.times import UtcNs
from tests import strategies
from tests.infra.sample import NOON, delivery, raised, rule_output


@settings(deadline=None)
@given(strategies.events())
def test_an_event_that_came_by_its_own_topic_comes_out_as_it_went_in(event: Event) -> None:
    document = json.loads(json.dumps(rule_output(event.to_json(), event.thing, event.camera_id)))
    assert Delivery.from_rule(document).event() == event


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_payload_reaches_the_function_byte_for_byte(payload: bytes) -> None:
    assert Delivery.from_rule(rule_output(payload)).payload == payload


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_garbage_is_refused_with_the_name_of_the_field(payload: bytes) -> None:
    with pytest.raises(ContractError):
        delivery(payload).event()
    assert refused(payload, "no event") is None


@settings(deadline=None)
@given(strategies.events(), st.data())
def test_a_number_that_nobody_can_reckon_with_is_refused_with_an_answer(event: Event, drawn: st.DataObject) -> None:
    document = json.loads(event.to_json())
    payload = drawn.draw(strategies.with_a_hostile_number(document | {"of_tomorrow": 1}))
    with pytest.raises(ContractError, match=r"event: (is not JSON|has [0-9]+ bytes)"):
        delivery(payload).event()
    spoilt = {key for key in document if document[key] != parse_refused(payload, "event").get(key)}
    answer = refused(payload, "event")
    if spoilt & {"event_id", "phase"}:
        assert answer is None
    else:
        revision = None if "revision" in spoilt else event.revision
        assert answer == Acknowledgement(event.event_id, event.phase, AckStatus.REFUSED, "event", revision)


@pytest.mark.parametrize("value", ["[" * 400 + "]" * 400, r'"\ud800"', "9" * 400])
def test_what_can_never_be_kept_is_refused_with_an_answer_that_names_it(value: str) -> None:
    payload = raised().to_json()[:-1] + f',"later":{value}}}'.encode()
    with pytest.raises(ContractError, match="event: is not JSON"):
        delivery(payload).event()
    assert refused(payload, "event") == Acknowledgement(raised().event_id, Phase.RAISED, AckStatus.REFUSED, "event", 0)


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("payload", "?", "payload"),
        ("payload", None, "payload"),
        ("topic_thing", "a/b", "topic_thing"),
        ("topic_camera", 5, "topic_camera"),
        ("arrived_ms", "now", "arrived_ms"),
        ("arrived_ms", 10**15, "arrived_ms"),
    ],
)
def test_what_no_rule_of_ours_selects_is_an_error_that_names_the_field(key: str, value: object, field: str) -> None:
    with pytest.raises(ContractError, match=f"^{field}:"):
        Delivery.from_rule(rule_output(b"{}") | {key: value})


def test_fields_of_the_payload_cannot_stand_in_for_the_topic() -> None:
    payload = raised().to_json()[:-1] + b',"topic_thing":"other","topic_camera":"other","arrived_ms":0}'
    read = Delivery.from_rule(rule_output(payload))
    assert (read.thing, read.camera, read.arrived_at) == ("yard-1", "gate", NOON)
    assert read.event().more["topic_thing"] == "other"


def test_a_refusal_names_what_it_refuses_as_long_as_that_is_there() -> None:
    payload = raised(revision=2).to_json().replace(b'"score":0.91', b'"score":"high"')
    answer = Acknowledgement(raised().event_id, Phase.RAISED, AckStatus.REFUSED, "score", 2)
    assert refused(payload, "score") == answer
    assert refused(payload.replace(b'"revision":2', b'"more":2'), "score") == replace(answer, revision=0)
    assert refused(payload.replace(b'"revision":2', b'"revision":"b"'), "score") == replace(answer, revision=None)
    assert refused(payload.replace(b'"raised"', b'"paused"'), "score") is None


def test_the_arrival_is_in_nanoseconds() -> None:
    assert Delivery.from_rule(rule_output(b"")).arrived_at == UtcNs(1_772_366_400_000_000_000)


@pytest.mark.parametrize("payload", ["D\xd1==", "D", "*"])
def test_a_payload_that_is_no_base64_is_refused_by_its_name(payload: str) -> None:
    with pytest.raises(ContractError, match="payload: must be base64"):
        Delivery.from_rule({**rule_output(b"x"), "payload": payload})
