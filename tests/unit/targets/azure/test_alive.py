"""The sign of life that the container's health check reads."""

from pathlib import Path

import pytest

from smartcam.edge.lifecycle import StopToken
from targets.azure.alive import FRESH_S, SignOfLife, is_alive, main


class StopsAtOnce(StopToken):
    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return super().wait(timeout)


def test_a_module_that_writes_is_alive_until_a_minute_has_passed(tmp_path: Path) -> None:
    path = tmp_path / "alive"
    assert not is_alive(path, 100.0)
    SignOfLife(path, lambda: 100.0).run(StopsAtOnce())
    assert is_alive(path, 100.0)
    assert is_alive(path, 100.0 + FRESH_S - 1)
    assert not is_alive(path, 100.0 + FRESH_S)
    assert not is_alive(path, 99.0), "a time of another boot"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "soon", "nan", "1e999"])
def test_what_is_no_time_is_no_sign_of_life(tmp_path: Path, content: str) -> None:
    (tmp_path / "alive").write_text(content)
    assert main([str(tmp_path / "alive")]) == 1


def test_a_folder_that_cannot_be_written_does_not_end_the_module(tmp_path: Path) -> None:
    SignOfLife(tmp_path / "missing" / "alive", lambda: 1.0).run(StopsAtOnce())
