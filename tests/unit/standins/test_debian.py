import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from standins.debian import Apt, first_known, unpack_once, with_what_it_needs
from tests.fakes.debian import FakeDebian
from tools.setup import ToolsError

PLAN = """Reading package lists...
Inst libflac12 (1.4.2+ds-2 Debian:12.15/oldstable [amd64])
Inst libpulse0 [16.0-1] (16.1+dfsg1-2+b1 Debian:12.15/oldstable [amd64]) []
Inst zoo (1:3~deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [all])
Conf zoo (1:3~deb12u1 Debian:12.15/oldstable [all])
"""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FakeDebian:
    return FakeDebian(monkeypatch, ["usr/bin/zoo"])


def unpack(folder: Path, wanted: str = "zoo") -> list[str]:
    """What was finished: nothing where it had been done before."""
    done: list[str] = []

    def choose(_apt: Apt) -> Sequence[str]:
        return ["zoo"]

    unpack_once(folder / "zoo", "the zoo of the tests", wanted, choose, lambda: done.append("finished"))
    assert (folder / "zoo/root/usr/bin/zoo").is_file()
    return done


def test_packages_are_unpacked_once_and_again_where_something_else_is_wanted(
    machine: FakeDebian, tmp_path: Path
) -> None:
    assert unpack(tmp_path) == ["finished"]
    assert unpack(tmp_path) == []
    assert unpack(tmp_path, "zoo and more") == ["finished"]
    assert len(machine.said("download")) == 2


def test_without_lists_of_packages_fresh_ones_are_fetched_into_the_projects_folder(
    machine: FakeDebian, tmp_path: Path
) -> None:
    machine.has_lists = False
    unpack(tmp_path)
    (update,) = machine.said("update")
    assert f"Dir::State::lists={tmp_path}/zoo/lists" in update
    assert f"Dir::Cache={tmp_path}/zoo/cache" in update
    assert sorted(path.name for path in (tmp_path / "zoo").iterdir()) == [".installed", "root"]


@pytest.mark.parametrize("broken", ["update", "--extract"])
def test_half_an_installation_is_begun_anew(machine: FakeDebian, tmp_path: Path, broken: str) -> None:
    machine.has_lists = broken != "update"
    machine.failing.add(broken)
    with pytest.raises(ToolsError, match="the zoo of the tests comes from Debian's packages"):
        unpack(tmp_path)
    machine.failing.clear()
    assert unpack(tmp_path) == ["finished"]


def test_what_cannot_be_finished_is_begun_anew(machine: FakeDebian, tmp_path: Path) -> None:
    def fail() -> None:
        raise ToolsError("it does not start")

    with pytest.raises(ToolsError, match="does not start"):
        unpack_once(tmp_path / "zoo", "the zoo of the tests", "zoo", lambda _: ["zoo"], fail)
    assert unpack(tmp_path) == ["finished"]
    assert len(machine.said("download")) == 2


def test_a_machine_without_apt_is_told_so(machine: FakeDebian, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _tool: None)
    with pytest.raises(ToolsError, match="the zoo of the tests is unpacked from Debian's packages: apt-get is needed"):
        unpack(tmp_path)
    assert machine.commands == []


def test_the_newer_name_of_a_package_is_preferred(machine: FakeDebian, tmp_path: Path) -> None:
    choose = first_known((("newer", "older"), ("only",)))
    assert choose(Apt(tmp_path, "the zoo")) == ["older", "only"]
    machine.known.add("newer")
    assert choose(Apt(tmp_path, "the zoo")) == ["newer", "only"]


def test_with_a_package_comes_what_it_needs_in_the_versions_that_apt_would_install(
    machine: FakeDebian, tmp_path: Path
) -> None:
    machine.needed = PLAN
    chosen = with_what_it_needs("zoo")(Apt(tmp_path, "the zoo"))
    assert chosen == ["libflac12=1.4.2+ds-2", "libpulse0=16.1+dfsg1-2+b1", "zoo=1:3~deb12u1"]
    assert "--simulate" in machine.commands[-1]


def test_an_error_says_what_failed_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match=r"sh: no such package; remedy: connect to the network once"):
        Apt(tmp_path, "the zoo").run(("/bin/sh", "-c", "echo first; echo no such package >&2; exit 1"))
