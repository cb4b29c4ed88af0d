"""What keeps a training from being done, in one line."""

import pytest

from tools.train.guarding import guarded


def test_a_full_disk_ends_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> int:
        raise OSError(28, "No space left on device", "/x/model.tflite")

    assert guarded(full) == 1
    assert (
        capsys.readouterr().err == "smartcam train: /x/model.tflite: No space left on device; nothing of it was kept\n"
    )


def test_a_reader_that_has_seen_enough_is_no_full_disk() -> None:
    def unread() -> int:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        guarded(unread)
