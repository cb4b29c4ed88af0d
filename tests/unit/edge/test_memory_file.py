import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcam.edge.memory_file import MemoryFile


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=100))
def test_what_was_stored_is_loaded(tmp_path: Path, content: bytes) -> None:
    MemoryFile(tmp_path / "view").store(content)
    assert MemoryFile(tmp_path / "view").load() == content


def test_nothing_is_loaded_where_nothing_was_stored(tmp_path: Path) -> None:
    assert MemoryFile(tmp_path / "view").load() == b""
    assert MemoryFile(tmp_path / "no folder" / "view").load() == b""
    (tmp_path / "folder").mkdir()
    assert MemoryFile(tmp_path / "folder").load() == b""


def test_a_file_that_was_damaged_or_cut_off_is_not_loaded(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "view")
    file.store(b"what was learnt")
    whole = file.path.read_bytes()
    for place in range(len(whole)):
        file.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert file.load() == b""
        file.path.write_bytes(whole[:place])
        assert file.load() == b""


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "view")
    file.store(b"a private room")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_link_and_a_pipe_are_not_followed(tmp_path: Path) -> None:
    MemoryFile(tmp_path / "real").store(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    assert MemoryFile(tmp_path / "link").load() == b""
    assert MemoryFile(tmp_path / "pipe").load() == b""


def test_a_link_is_replaced_and_what_it_points_to_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"somebody else's")
    (tmp_path / "view").symlink_to(tmp_path / "other")
    (tmp_path / "view.part").symlink_to(tmp_path / "other")
    MemoryFile(tmp_path / "view").store(b"ours")
    assert (tmp_path / "other").read_bytes() == b"somebody else's"
    assert MemoryFile(tmp_path / "view").load() == b"ours"


def test_what_a_killed_process_left_unfinished_is_in_nobodys_way(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "view")
    file.store(b"first")
    (tmp_path / "view.part").write_bytes(b"half")
    assert file.load() == b"first"
    file.store(b"second")
    assert file.load() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["view"]


def test_a_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        MemoryFile(tmp_path / "gone" / "view").store(b"content")
