import os
from pathlib import Path

from tools.score.files import write_figures


def test_figures_are_for_their_owner_and_replace_those_that_were_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "figures.json"
    for text in ("more than later", "less"):
        write_figures(path, text)
    assert path.read_text() == "less"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_is_written_into_and_stays_what_it_is(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    way = tmp_path / "stdout"
    way.symlink_to(f"/proc/self/fd/{writing}")
    write_figures(way, "figures")
    os.close(writing)
    assert os.read(reading, 100) == b"figures"
    os.close(reading)
    assert way.is_symlink()
