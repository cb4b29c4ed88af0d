"""A seal tells a flipped bit in what is stored from one in itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.outbox.seal import is_said, is_when, seal_of, sealed_state, unsealed_state
from smartcam.edge.outbox.sql import Stamp
from tests.unit.edge.outbox.sample import event

stamps = st.builds(
    Stamp,
    st.text(max_size=40),
    st.integers(0, 2**62).map(MonotonicNs),
    st.integers(0, 2**62).map(UtcNs),
    synced=st.booleans(),
)


@given(st.binary(max_size=5000), stamps)
def test_what_is_as_it_was_is_known_by_a_seal_that_sqlite_can_hold(payload: bytes, stamp: Stamp) -> None:
    seal = seal_of(payload, stamp)
    assert -(2**63) <= seal < 2**63
    assert is_said(seal, payload)
    assert is_when(seal, stamp)


@given(st.sets(st.integers(0, len(event(1).to_json()) * 8 - 1), min_size=1, max_size=2), stamps)
def test_one_or_two_flipped_bits_of_an_event_are_noticed(bits: set[int], stamp: Stamp) -> None:
    payload = event(1).to_json()
    changed = bytearray(payload)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    seal = seal_of(payload, stamp)
    assert not is_said(seal, bytes(changed))
    assert is_when(seal, stamp)


@given(st.integers(0, 62), stamps)
def test_a_bit_that_flips_in_the_seal_costs_nothing(bit: int, stamp: Stamp) -> None:
    seal = seal_of(b"payload", stamp) ^ 1 << bit
    assert is_said(seal, b"payload")
    assert is_when(seal, stamp)


@given(stamps, stamps)
def test_another_stamp_is_noticed(one: Stamp, other: Stamp) -> None:
    assert is_when(seal_of(b"", one), other) == (one == other)


state = st.dictionaries(
    st.text(max_size=5), st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20), max_size=4
)


@given(state.filter(lambda it: "seal" not in it))
def test_a_state_comes_back_as_it_was(it: dict[str, object]) -> None:
    assert unsealed_state(sealed_state(it, "yard", "key"), "yard", "key") == it


def test_a_state_of_another_name_or_with_another_word_is_refused() -> None:
    text = sealed_state({"label": "cat"}, "yard")
    for wrong, name in ((text, "gate"), (text.replace("cat", "car"), "yard"), (7, "yard")):
        with pytest.raises(ContractError, match="state"):
            unsealed_state(wrong, name)


def test_a_state_without_a_seal_is_of_the_first_release() -> None:
    assert unsealed_state('{"label":"cat"}', "yard") == {"label": "cat"}
