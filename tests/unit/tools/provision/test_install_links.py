"""What `install.sh` writes where others may plant links: real users, real links, its own functions."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.command_line import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: not root, who alone can be misled so")
OTHER = "www-data"
SCRIPT = (ROOT / "tools/provision/install.sh").read_text()
# The folders above the tree are this machine's: here they count as root's own.
STAT = """#!/bin/sh
for place; do :; done
case $*/$place in
    *%A*"$TREE"*) ;;
    *%A*) echo "0 drwxr-xr-x root"; exit ;;
esac
exec /usr/bin/stat "$@"
"""


@dataclass
class Device:
    """A nucleus's folder that belongs to another user, a folder of root, and what root alone may write."""

    tree: Path
    bin: Path

    @property
    def nucleus(self) -> Path:
        return self.tree / "nucleus"

    @property
    def victim(self) -> Path:
        return self.tree / "etc" / "shadow"

    def put(self, place: Path, mode: str = "600", owner: str = OTHER) -> subprocess.CompletedProcess[str]:
        source = self.tree / "bundle"
        source.write_text("the device's\n")
        source.chmod(0o600)
        functions = SCRIPT[SCRIPT.index("\nok() {") : SCRIPT.index("\n# 1. What this machine is")]
        script = f"set -eu\numask 077\nfaults=0 changed=no\n{functions}\nput '{source}' '{place}' {mode} {owner}\n"
        environment = {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "TREE": str(self.tree)}
        command = ["sh", "-c", script]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def is_unharmed(self) -> bool:
        """Whether nothing of root's has changed, and nothing has been added."""
        found = self.victim.stat()
        return (self.victim.read_text(), found.st_mode & 0o777, found.st_uid) == ("root's", 0o640, 0) and [
            path.name for path in self.victim.parent.iterdir()
        ] == ["shadow"]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    made = Device(tmp_path / "tree", tmp_path / "bin")
    for folder in (made.bin, made.nucleus, made.victim.parent):
        folder.mkdir(parents=True)
    (made.bin / "stat").write_text(STAT)
    (made.bin / "stat").chmod(0o755)
    made.victim.write_text("root's")
    made.victim.chmod(0o640)
    # The other user must get through pytest's own folders.
    opened = [above for above in (tmp_path, *tmp_path.parents) if above.stat().st_mode & 0o001 == 0]
    for above in opened:
        above.chmod(above.stat().st_mode | 0o011)
    for folder in (made.tree, made.victim.parent):
        folder.chmod(0o755)
    shutil.chown(made.nucleus, OTHER)
    made.nucleus.chmod(0o755)
    yield made
    for above in opened:
        above.chmod(above.stat().st_mode & ~0o011)


def test_a_file_in_the_nucleuss_folder_is_its_users_with_the_mode_that_was_asked_for(device: Device) -> None:
    place = device.nucleus / "device.key"
    assert device.put(place).stdout == f"did   {place}\n"
    assert (place.read_text(), oct(place.stat().st_mode), place.owner()) == ("the device's\n", "0o100600", OTHER)
    assert device.put(place).stdout == f"ok    {place}\n"
    assert sorted(path.name for path in device.nucleus.iterdir()) == ["device.key"]


def test_a_file_in_roots_folder_is_handed_to_the_nucleus(device: Device) -> None:
    place = device.victim.parent / "config.yaml"
    assert device.put(place, "644").stdout == f"did   {place}\n"
    assert (oct(place.stat().st_mode), place.owner()) == ("0o100644", OTHER)


@pytest.mark.parametrize("name", ["device.pem", "device.pem.new"])
@pytest.mark.parametrize("target", ["etc", "etc/shadow", "etc/passwd"])
def test_a_planted_link_leads_root_nowhere(device: Device, name: str, target: str) -> None:
    (device.nucleus / name).symlink_to(device.tree / target)
    device.put(device.nucleus / "device.pem", "644")
    assert device.is_unharmed()
    place = device.nucleus / "device.pem"
    assert (place.is_symlink(), place.read_text(), place.owner()) == (False, "the device's\n", OTHER)


def test_a_link_that_comes_and_goes_while_root_writes_leads_it_nowhere(device: Device) -> None:
    plant = """
        cd "$0" || exit 1
        while :; do
            for name in device.pem device.pem.new; do
                for target in ../etc ../etc/shadow ../etc/passwd; do ln -sfn "$target" "$name"; rm -f "$name"; done
            done
        done
    """
    racer = subprocess.Popen(
        ["/usr/bin/setpriv", "--reuid", OTHER, "--clear-groups", "sh", "-c", plant, str(device.nucleus)],
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(40):
            device.put(device.nucleus / "device.pem", "644")
            assert device.is_unharmed()
    finally:
        racer.kill()
        racer.wait()


def test_a_folder_that_is_planted_for_a_file_ends_in_one_clear_error(device: Device) -> None:
    (device.nucleus / "device.pem").mkdir()
    (device.nucleus / "device.pem.new").mkdir()
    done = device.put(device.nucleus / "device.pem")
    assert done.returncode == 1
    assert f"FAIL  {device.nucleus}/device.pem cannot be written" in done.stdout


def test_a_pipe_that_is_planted_for_a_file_does_not_hold_root_up(device: Device) -> None:
    for name in ("device.pem", "device.pem.new"):
        os.mkfifo(device.nucleus / name)
    assert device.put(device.nucleus / "device.pem").returncode == 0
    assert (device.nucleus / "device.pem").is_file()


def test_a_folder_above_that_others_can_change_is_named_and_nothing_is_written(device: Device) -> None:
    inner = device.nucleus / "config"
    inner.mkdir()
    for place, gap in (
        (inner / "config.yaml", device.nucleus),
        (device.tree / "open" / "v2" / "device.pem", device.tree / "open"),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        (device.tree / "open").mkdir(exist_ok=True)
        (device.tree / "open").chmod(0o777)
        done = device.put(place)
        assert done.returncode == 1
        assert f"others than root can change {gap}; chown root:root {gap} && chmod go-w {gap}" in done.stdout
        assert not place.exists()


def test_a_folder_that_is_a_link_into_a_folder_of_others_is_refused(device: Device) -> None:
    (device.nucleus / "real").mkdir()
    (device.tree / "v2").symlink_to(device.nucleus / "real")
    done = device.put(device.tree / "v2" / "config.yaml", owner="root")
    assert f"others than root can change {device.nucleus};" in done.stdout
    assert list((device.nucleus / "real").iterdir()) == []


def test_what_is_planted_where_root_removes_is_removed_itself_and_not_what_it_leads_to(device: Device) -> None:
    script = (ROOT / "tools/provision/uninstall.sh").read_text()
    functions = script[script.index("did() {") : script.index('\n[ "$(id -u)"')]
    (device.nucleus / "device.key").symlink_to(device.victim)
    (device.nucleus / "work").symlink_to(device.victim.parent)
    call = f"set -eu\n{functions}\nremove '{device.nucleus}/device.key' '{device.nucleus}'\n"
    subprocess.run(["/bin/sh", "-c", call], check=True, timeout=120)
    assert device.is_unharmed()
    assert not device.nucleus.exists()


def test_root_writes_by_no_other_way_than_this_one() -> None:
    """Whoever adds a copy to the script is sent to `put`."""
    after = SCRIPT[SCRIPT.index("\n# 4. Users") :]
    written = [line for line in after.splitlines() if line.lstrip().startswith(("cp ", "install ", "mv ", "tee "))]
    assert written == ['    mv "$scratch/now" "$scratch/before"']
