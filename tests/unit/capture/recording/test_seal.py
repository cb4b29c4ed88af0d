"""The seal of a clip: what it proves, and what it does not let through."""

import hashlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.recording.fragments import playable_bytes
from smartcam.capture.recording.seal import (
    LARGEST_SEAL_BYTES,
    ClipStatement,
    Sealer,
    SealError,
    check_seal,
    sealer_of,
)
from smartcam.edge.memory_file import MemoryFile
from tests.unit.capture.recording.test_fragments import WHOLE

KEY = bytes(range(32))
SHA256 = hashlib.sha256(WHOLE).hexdigest()
STATEMENT = ClipStatement("a.yard.001.mp4", "gate", len(WHOLE), SHA256, "2026-03-01T12:00:00.000Z")
SEALED = WHOLE + Sealer(KEY).seal(STATEMENT)


def test_a_sealed_clip_says_what_it_was_and_by_which_key_and_plays_as_before() -> None:
    seal = check_seal(io.BytesIO(SEALED))
    assert seal.statement == STATEMENT
    assert seal.key == Sealer(KEY).key
    assert playable_bytes(io.BytesIO(SEALED)) == len(WHOLE)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_whatever_byte_is_changed_is_noticed(place: int, change: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= change
    with pytest.raises(SealError):
        check_seal(io.BytesIO(bytes(changed)))


@given(st.integers(0, len(SEALED) - 1))
def test_wherever_something_is_cut_off_is_noticed(length: int) -> None:
    with pytest.raises(SealError):
        check_seal(io.BytesIO(SEALED[:length]))


@given(st.binary(min_size=1, max_size=64))
def test_what_is_added_is_noticed_wherever_it_stands(more: bytes) -> None:
    for forged in (SEALED + more, WHOLE + more + SEALED[len(WHOLE) :], more + SEALED):
        with pytest.raises(SealError):
            check_seal(io.BytesIO(forged))


def test_a_seal_over_a_seal_is_that_of_the_second_key() -> None:
    other = Sealer(bytes(32))
    whole = ClipStatement("b.yard.001.mp4", None, len(SEALED), hashlib.sha256(SEALED).hexdigest())
    seal = check_seal(io.BytesIO(SEALED + other.seal(whole)))
    assert (seal.key, seal.statement.thing, seal.statement.finished_at) == (other.key, None, None)


@given(
    st.text(max_size=80, alphabet=st.characters(codec="utf-8")),
    st.text(max_size=128, alphabet=st.characters(codec="utf-8")),
)
def test_no_name_makes_a_seal_larger_than_what_is_kept_free_for_it(clip: str, thing: str) -> None:
    seal = Sealer(KEY).seal(ClipStatement(clip, thing[:64], 2**62, SHA256, "2026-03-01T12:00:00.000Z"))
    assert len(seal) <= LARGEST_SEAL_BYTES


def test_a_device_keeps_its_key_and_shows_it_to_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = MemoryFile(tmp_path / "clip-key")
    first = sealer_of(memory, lambda _: KEY)
    again = sealer_of(memory, os.urandom)
    assert first is not None
    assert again is not None
    assert first.key == again.key == Sealer(KEY).key
    assert (tmp_path / "clip-key").stat().st_mode & 0o777 == 0o600
    assert KEY.hex() not in caplog.text


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 36, b"\xff" * 4096])
def test_a_damaged_key_is_replaced_by_a_new_one(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip-key"
    path.write_bytes(damage)
    sealer = sealer_of(MemoryFile(path), lambda _: KEY)
    assert sealer is not None
    assert sealer.key == Sealer(KEY).key


def test_a_key_that_cannot_be_stored_seals_nothing(tmp_path: Path) -> None:
    assert sealer_of(MemoryFile(tmp_path / "missing" / "clip-key"), os.urandom) is None
