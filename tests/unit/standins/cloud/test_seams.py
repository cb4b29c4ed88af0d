"""The pinned release of ministack is the one that the launcher was written for."""

import re
import subprocess
from types import SimpleNamespace

import pytest

from standins.cloud.launcher.seams import PINNED, SeamBrokenError, check_seams
from tools.command_line import ROOT

SEAMS = {"there": {"known": ("a", "b"), "other": ("c",)}}


def _module(**names: object) -> object:
    return SimpleNamespace(**names)


def test_expected_names_pass() -> None:
    asked = set()

    def find(name: str) -> object:
        asked.add(name)
        return _module(known=lambda a, b: (a, b), other=lambda c: c)

    check_seams(SEAMS, find)
    assert asked == {"there"}


def test_all_differences_are_named_together() -> None:
    changed = _module(known=lambda a: a)
    with pytest.raises(SeamBrokenError, match=re.escape("there.known: takes a instead of a, b; there.other: is gone")):
        check_seams(SEAMS, lambda _: changed)


def test_the_pinned_release_is_the_locked_one() -> None:
    locked = (ROOT / "requirements" / "cloud.txt").read_text(encoding="utf-8")
    assert re.search(rf"^ministack=={re.escape(PINNED)} ", locked, re.MULTILINE)


def test_the_installed_ministack_has_every_name() -> None:
    python = ROOT / ".venv-cloud" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is not set up: make setup")
    check = "from standins.cloud.launcher.seams import check_seams; check_seams()"
    done = subprocess.run([python, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
