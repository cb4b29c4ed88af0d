import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.jobs import (
    CloseWindow,
    DeliverAgain,
    Job,
    SendDigest,
    SendWaiting,
    job_from_json,
    job_to_json,
)
from smartcam.contract.errors import ContractError
from smartcam.contract.times import NS_PER_MS, UtcNs
from tests import strategies
from tests.infra.sample import NOON

groups = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,31}", fullmatch=True)
tries = st.integers(0, 100)
closings = st.builds(
    CloseWindow,
    strategies.thing_names,
    strategies.camera_ids,
    groups,
    st.sampled_from(["sighting", "camera_lost"]),
    tries,
    st.booleans(),
)
digests = st.builds(SendDigest, groups, strategies.utc_ms, tries)
deliveries = st.builds(
    Delivery, strategies.thing_names, strategies.camera_ids, st.binary(max_size=200), strategies.utc_ms
)
again = st.builds(DeliverAgain, deliveries, tries)
rounds = st.builds(SendWaiting, groups, tries)


@given(strategies.utc_ms, closings | digests | again | rounds)
def test_a_job_comes_back_as_it_went(due: UtcNs, job: Job) -> None:
    text = job_to_json(due, job)
    assert job_from_json(text) == (due, job)
    assert len(text) < 262_144


@given(closings | digests | again, st.data())
def test_a_job_with_a_number_that_nobody_can_reckon_with_is_refused(job: Job, drawn: st.DataObject) -> None:
    document = json.loads(job_to_json(NOON, job))
    with pytest.raises(ContractError, match="job: is not JSON"):
        job_from_json(drawn.draw(strategies.with_a_hostile_number(document)).decode())


def test_a_job_never_rings_before_it_is_due() -> None:
    due = UtcNs(NOON + 1)
    assert job_from_json(job_to_json(due, SendDigest("everyone", NOON)))[0] == NOON + NS_PER_MS


def test_a_job_of_the_release_before_which_still_names_its_turn_is_done() -> None:
    document = json.loads(job_to_json(NOON, SendDigest("everyone", NOON)))
    assert job_from_json(json.dumps(document | {"slot_ms": 5}))[1] == SendDigest("everyone", NOON)


def test_a_job_with_unknown_fields_is_done() -> None:
    document = json.loads(job_to_json(NOON, SendDigest("everyone", NOON)))
    assert job_from_json(json.dumps(document | {"redriven": 1})) == (NOON, SendDigest("everyone", NOON))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schema": 2}, "schema"),
        ({"due_ms": None}, "due_ms"),
        ({"job": "dance"}, "job"),
        ({"group": 1}, "group"),
        ({"ends_ms": -1}, "ends_ms"),
        ({"tries": "none"}, "tries"),
    ],
)
def test_a_wrong_job_names_its_wrong_field(change: dict[str, object], field: str) -> None:
    document = json.loads(job_to_json(NOON, SendDigest("everyone", NOON)))
    with pytest.raises(ContractError) as error:
        job_from_json(json.dumps(document | change))
    assert error.value.field == field
