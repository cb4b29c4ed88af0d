import random
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from measure.faults.catalogue import FAULTS, damage, flipped, is_worn, spared
from measure.faults.command import shifts


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  where a bit is flipped is no secret


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=20), st.integers())
def test_flipped_pictures_keep_their_lengths(units: list[bytes], seed: int) -> None:
    clip = b"".join(len(unit).to_bytes(4) + unit for unit in units)
    found, at = flipped(clip, dice(seed)), 0
    assert len(found) == len(clip)
    for unit in units:
        assert int.from_bytes(found[at : at + 4]) == len(unit)
        at += 4 + len(unit)


def test_damage_changes_a_file_in_place_and_leaves_its_size(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite3"
    file.write_bytes(bytes(9000))
    inode = file.stat().st_ino
    damage(file, dice(1))
    assert file.stat().st_ino == inode
    assert len(file.read_bytes()) == 9000
    assert file.read_bytes() != bytes(9000)


def test_damage_leaves_an_empty_file_and_one_that_is_gone_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    damage(tmp_path / "empty", dice(1))
    damage(tmp_path / "gone", dice(1))
    assert [file.name for file in tmp_path.iterdir()] == ["empty"]


def test_there_are_at_least_twenty_faults() -> None:
    assert len(FAULTS) >= 20


def test_played_once_on_four_devices_nothing_is_killed_oftener_than_a_nucleus_starts_it_again() -> None:
    for _, names in shifts(FAULTS, 4):
        kills = Counter[str]()
        order = spared({name: FAULTS[name] for name in names})
        assert sorted(order) == sorted(names)
        for name in order:
            assert not is_worn(FAULTS[name], kills), (name, order)
            if FAULTS[name].renews:
                kills.clear()
            kills.update(FAULTS[name].kills)


@given(st.lists(st.sampled_from(sorted(FAULTS)), unique=True))
def test_whichever_faults_are_asked_for_each_is_played_once(names: list[str]) -> None:
    assert sorted(spared({name: FAULTS[name] for name in names})) == sorted(names)


def test_the_ipc_server_is_killed_only_where_nothing_was_killed_before() -> None:
    assert spared({name: FAULTS[name] for name in ("inference-killed", "ipc-restarted")})[0] == "ipc-restarted"
    assert not is_worn(FAULTS["ipc-restarted"], {})
    assert is_worn(FAULTS["ipc-restarted"], {"smartcam.Inference": 1})
    assert not is_worn(FAULTS["inference-killed"], {"smartcam.Inference": 1})
    assert is_worn(FAULTS["inference-killed"], {"smartcam.Inference": 2})
