"""Files that nobody else may read."""

import os
from pathlib import Path

import pytest

from smartcam.edge.files import FileExposed, read_private, replace_file


def test_what_we_alone_can_read_is_read_up_to_a_bound(tmp_path: Path) -> None:
    replace_file(tmp_path / "word", b"secret")
    assert read_private(tmp_path / "word", 100) == b"secret"
    assert read_private(tmp_path / "word", 3) == b"sec"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610])
def test_what_others_may_open_is_refused_with_its_mode(tmp_path: Path, mode: int) -> None:
    (tmp_path / "word").write_bytes(b"secret")
    (tmp_path / "word").chmod(mode)
    with pytest.raises(FileExposed, match=f"^has mode {mode:04o}; make it 0600$"):
        read_private(tmp_path / "word", 100)


def test_neither_a_folder_nor_a_pipe_is_a_file_and_no_link_is_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(FileExposed, match=r"^is not a plain file$"):
            read_private(path, 100)
    replace_file(tmp_path / "word", b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "word")
    for path in (tmp_path / "link", tmp_path / "gone"):
        with pytest.raises(OSError, match=r"symbolic|No such file"):
            read_private(path, 100)
