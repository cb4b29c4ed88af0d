import fcntl
from pathlib import Path

import pytest

from measure.demo import yard_clip


def test_a_clip_is_made_by_one_while_others_wait_and_found_by_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def write(clip: Path, *_: object) -> None:
        made.append(clip)
        with (clip.parent / "lock").open("w") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        clip.touch()

    monkeypatch.setattr(yard_clip, "write_clip", write)
    folder, told = tmp_path / "clips", list[str]()
    assert yard_clip.yard_clip(folder, told.append) == yard_clip.yard_clip(folder, told.append)
    assert len(made) == len(told) == 1
