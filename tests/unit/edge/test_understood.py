from collections.abc import Mapping
from pathlib import Path

import pytest

from smartcam.contract.errors import SettingsError
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.settings import Settings
from smartcam.edge.understood import Understood


def read(document: Mapping[str, object]) -> int:
    settings = Settings(document)
    level = settings.integer("level", 0, 0, 9)
    settings.done()
    return level


def test_what_was_understood_last_is_there_for_the_next_process_whatever_came_since(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "understood")
    first = Understood(read, memory)
    assert first.take({"level": "3", "accessControl": {}}) == 3
    with pytest.raises(SettingsError):
        first.take({"level": 3, "depth": 1})
    assert Understood(read, memory).last() == 3


def test_the_card_is_written_only_when_the_document_changes(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "understood")
    understood = Understood(read, memory)
    understood.take({"level": 3})
    written = memory.path.stat().st_ino
    understood.take({"level": 3})
    assert memory.path.stat().st_ino == written
    understood.take({"level": 4})
    assert memory.path.stat().st_ino != written


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"of_another_version": 1}'])
def test_what_this_version_does_not_read_is_as_good_as_nothing(tmp_path: Path, content: bytes) -> None:
    memory = MemoryFile(tmp_path / "understood")
    memory.store(content)
    assert Understood(read, memory).last() is None


def test_without_a_memory_nothing_is_remembered() -> None:
    understood = Understood(read)
    understood.take({"level": 3})
    assert understood.last() is None


def test_a_disk_that_takes_nothing_is_said_and_the_document_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    understood = Understood(read, MemoryFile(tmp_path / "no such folder" / "understood"))
    assert understood.take({"level": 3}) == 3
    assert "configuration_not_kept" in caplog.text
