"""Footage from a device behind ssh: a small program that runs the command here, as the device would."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.tools.footage.sshd import Sshd, started
from tools.footage.command import main
from tools.footage.conversation import Conversation
from tools.footage.device import DeviceFootage
from tools.local.host import HostError, Ssh

FIRST = "yard.20261129T220000Z.001.mp4"
SECOND = "yard.20261130T092216Z.001.mp4"
GATE = "gate.20261130T093216Z.001.mp4"
UNDATED = "yard.up-3f2a91bc-0000000123.001.mp4"
CONTENTS = {name: name.encode() * 5000 for name in (FIRST, SECOND, GATE, UNDATED)}


@dataclass
class Site:
    """A device's work folder, a folder here, and programs that are in front of the system's."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "wo rk;echo"

    @property
    def there(self) -> Path:
        return self.work / "footage"

    @property
    def out(self) -> Path:
        return self.folder / "here"

    def program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >> {shlex.quote(str(self.folder / 'calls'))}\n{script}\n")
        path.chmod(0o755)

    def do(self, verb: str, *more: str) -> int:
        out = ("--out", str(self.out)) if verb == "fetch" else ()
        return main([verb, "--host", "pi@gate.local", "--work", str(self.work), *out, *more])

    def here(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.out.iterdir()}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path)
    (tmp_path / "bin").mkdir()
    site.program("ssh", 'for last in "$@"; do :; done; exec sh -c "$last"')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    site.there.mkdir(parents=True)
    for name, content in CONTENTS.items():
        (site.there / name).write_bytes(content)
        (site.there / name).chmod(0o600)
    return site


def test_footage_comes_as_it_is_and_only_its_owner_can_read_it(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.do("fetch") == 0
    assert site.here() == CONTENTS
    assert {path.stat().st_mode & 0o777 for path in site.out.iterdir()} == {0o600}
    assert site.out.stat().st_mode & 0o777 == 0o700
    assert "4 segments came (610.0 kB), 0 were here already" in capsys.readouterr().out
    assert {path.name for path in site.there.iterdir()} == set(CONTENTS)


def test_ssh_is_the_users_own_and_is_never_asked_for_a_password(site: Site) -> None:
    assert site.do("list", "--ssh-option=-p2222") == 0
    assert (site.folder / "calls").read_text().splitlines()[:5] == [
        "-o",
        "BatchMode=yes",
        "-p2222",
        "--",
        "pi@gate.local",
    ]


def test_the_list_shows_each_camera_and_since_when(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (site.there / f"{SECOND}.part").touch()
    (site.there / "notes.mp4").touch()
    assert site.do("list") == 0
    assert capsys.readouterr().out.splitlines() == [
        "gate: 1 segments, 145.0 kB; they begin 20261130T093216Z to 20261130T093216Z",
        "yard: 3 segments, 465.0 kB; they begin 20261129T220000Z to 20261130T092216Z; of 1 the time is not known",
        "1 still grow; they are finished after ten minutes",
        "1 files with other names were left alone",
    ]


def test_what_is_here_already_is_not_fetched_again(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.out.mkdir()
    shutil.copy(site.there / FIRST, site.out)
    before = (site.out / FIRST).stat()
    assert site.do("fetch") == 0
    after = (site.out / FIRST).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert "3 segments came (465.0 kB), 1 were here already" in capsys.readouterr().out
    assert site.do("fetch") == 0
    assert "0 segments came (0 bytes), 4 were here already" in capsys.readouterr().out


def test_a_fetch_that_breaks_off_goes_on_where_it_was_and_leaves_nothing_half_done(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    once = shlex.quote(str(site.folder / "once"))
    site.program("cat", f"[ ! -e {once} ] || {{ head -c 1000; kill -9 $PPID; exit; }}; touch {once}; exec /bin/cat")
    assert site.do("fetch") == 2
    assert site.here() == {UNDATED: CONTENTS[UNDATED]}
    assert "the same command goes on" in capsys.readouterr().err
    (site.folder / "bin" / "cat").unlink()
    (site.out / f".{GATE}.fetching").write_bytes(b"half of it, from one that was killed")
    assert site.do("fetch") == 0
    assert site.here() == CONTENTS


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--camera", "gate"), {GATE}),
        (("--since", "2026-11-30"), {SECOND, GATE, UNDATED}),
        (("--camera", "yard", "--since", "2026-12-01"), {UNDATED}),
        (("--camera", "nobody"), set()),
    ],
)
def test_only_what_is_wished_for_comes(site: Site, options: tuple[str, ...], names: set[str]) -> None:
    assert site.do("fetch", *options) == 0
    assert site.here().keys() == names


def test_what_is_here_byte_for_byte_is_removed_there_if_that_is_asked(site: Site) -> None:
    site.out.mkdir()
    shutil.copy(site.there / FIRST, site.out)
    (site.out / GATE).write_bytes(b"something else")
    assert site.do("fetch", "--remove") == 1
    assert {path.name for path in site.there.iterdir()} == {GATE}
    assert site.here() == CONTENTS | {GATE: b"something else"}


@pytest.mark.parametrize("kind", ["file", "link", "folder", "pipe"])
def test_nothing_here_is_written_over_or_followed(site: Site, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    site.out.mkdir()
    outside, taken = site.folder / "outside", site.out / FIRST
    outside.write_bytes(b"mine")
    if kind == "link":
        taken.symlink_to(outside)
        (site.out / f".{SECOND}.fetching").symlink_to(outside)
    elif kind == "folder":
        taken.mkdir()
    elif kind == "pipe":
        os.mkfifo(taken)
    else:
        taken.write_bytes(b"mine")
    kept = taken.lstat()
    assert site.do("fetch") == 1
    assert taken.lstat().st_ino == kept.st_ino
    assert outside.read_bytes() == b"mine"
    assert (site.out / SECOND).read_bytes() == CONTENTS[SECOND]
    assert f"taken here by something else, which stays ({FIRST})" in capsys.readouterr().err


def test_links_folders_pipes_and_strange_names_there_are_left_alone(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = site.folder / "secret"
    secret.write_bytes(b"the device's key")
    (site.there / "yard.20261130T100000Z.001.mp4").symlink_to(secret)
    (site.there / "yard.20261130T101000Z.001.mp4").mkdir()
    os.mkfifo(site.there / "yard.20261130T102000Z.001.mp4")
    for name in ("$(touch owned).mp4", "a\nb.mp4", "-rf.mp4", "yard.20261130T100000Z.001.mp4;id.mp4", "é.mp4"):
        (site.there / name).write_bytes(b"x")
    assert site.do("fetch") == 0
    assert site.here() == CONTENTS
    assert "files with other names were left alone" in capsys.readouterr().out
    assert not (site.there / "owned").exists()


def test_a_segment_that_the_device_deletes_meanwhile_is_no_fault(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = DeviceFootage.ask

    def deleted(self: DeviceFootage, name: object) -> object:
        (site.there / FIRST).unlink(missing_ok=True)
        return ask(self, name)  # type: ignore[arg-type]

    monkeypatch.setattr(DeviceFootage, "ask", deleted)
    assert site.do("fetch") == 0
    assert site.here().keys() == CONTENTS.keys() - {FIRST}
    assert "1 were deleted there meanwhile" in capsys.readouterr().out


def test_more_than_is_allowed_or_than_the_disk_takes_is_not_begun(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.there / SECOND).write_bytes(b"x" * 2_000_000)
    assert site.do("fetch", "--most-mb", "1") == 2
    assert "the device offers 2.5 MB, and --most-mb is 1" in capsys.readouterr().err
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**8))
    assert site.do("fetch") == 2
    assert "takes 2.5 MB, and the disk has 100.0 MB left" in capsys.readouterr().err
    assert site.here() == {}


def test_where_nothing_is_collected_yet_nothing_comes(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(site.there)
    assert site.do("list") == 0
    assert site.do("fetch") == 0
    assert capsys.readouterr().out.startswith("no segments\n")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'ssh: Could not resolve hostname gate.local' >&2; exit 255", "ssh failed: ssh: Could not resolve"),
        ("echo 'pi@gate.local: Permission denied (publickey).' >&2; exit 255", "ssh-copy-id pi@gate.local lets it in"),
        ("exit 0", "the connection has ended"),
        ("echo no-folder", "has no work folder of smartcam.Capture, or it may not be looked at"),
        ("echo 'not-allowed gg_component'", "footage belongs to 'gg_component', as whom you may run nothing there"),
        ("yes x | tr -d '\\n'", "answers with what is no list of footage"),
        ("yes '1 a.mp4'", "lists more than 100000 files"),
        (f"echo '9 {FIRST}'; echo end; echo '12 nonsense'; sleep 9", "answers '12 nonsense' when asked for"),
        (f"echo '9 {FIRST}'; echo end; echo '12 {'0' * 64}'; sleep 9", "was listed with 9 bytes and has 12"),
        (f"echo '9 {FIRST}'; echo end; echo '9 {'0' * 64}'; echo 123456789; sleep 9", "has come damaged"),
        (f"echo '9 {FIRST}'; echo end; echo '9 {'0' * 64}'; echo 1234", "the connection"),
        (f"echo '999999999999 {FIRST}'; echo end", "the device offers 1000000.0 MB"),
        ("printf 'q\\033]0;owned\\007' >&2; exit 3", "q ]0;owned"),
    ],
)
def test_whatever_a_device_answers_there_is_one_clear_error_and_nothing_here(
    site: Site, script: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site.program("ssh", script)
    assert site.do("fetch") == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert "\033" not in printed.err + printed.out
    assert site.here() == {}


def test_a_device_that_says_nothing_more_is_left(site: Site) -> None:
    site.program("ssh", "sleep 30")
    conversation = Conversation(Ssh("pi@gate.local"), "true", patience_s=0.2)
    with pytest.raises(HostError, match="nothing has come for 0 s"):
        conversation.line()
    conversation.close()


def test_without_ssh_one_line_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(site.folder))
    assert site.do("list") == 2
    assert "ssh cannot be run" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ("--host", "-oProxyCommand=touch x"),
        ("--host", "a b"),
        ("--camera", "../x"),
        ("--since", "yesterday"),
        ("--most-mb", "0"),
    ],
)
def test_a_wrong_call_is_refused_before_the_device_is_asked(site: Site, wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        sys.exit(site.do("fetch", *wrong))
    assert not (site.folder / "calls").exists()


@settings(max_examples=50)
@given(
    names=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=60)
        | st.sampled_from(["/etc/passwd", "../x.mp4", ".", "", *CONTENTS]),
        max_size=8,
    )
)
def test_whatever_names_a_device_lists_only_segments_names_are_taken(names: list[str]) -> None:
    lines = iter([*(f"1 {name}".encode("utf-8", "replace").decode("ascii", "replace") for name in names), "end"])

    class Scripted(Conversation):
        def __init__(self) -> None:
            pass

        def line(self) -> str:
            return next(lines)

    device = DeviceFootage(Ssh("pi@gate.local"), Scripted())
    listed = [str(one.name) for one in device.files]
    assert set(listed) == set(names) & set(CONTENTS)
    assert len(listed) + device.unknown + device.growing == len(names)


def test_who_is_neither_the_owner_nor_root_becomes_the_owner_by_sudo_without_a_password(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.program("id", '[ "$1" = -u ] && echo 1000 || echo pi')
    site.program("stat", '[ "$2" = %U ] && echo gg_component || exec /usr/bin/stat "$@"')
    site.program("sudo", '[ "$1 $2 $3 $4" = "-n -u gg_component --" ] && shift 4 && exec "$@"')
    assert site.do("fetch") == 0
    assert site.here() == CONTENTS
    site.program("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    assert site.do("list") == 2
    assert "footage belongs to 'gg_component', as whom you may run nothing there" in capsys.readouterr().err


@pytest.mark.skipif(os.getuid() != 0, reason="takes the files of another user")
def test_the_files_of_another_user_are_read_as_that_user_and_not_as_root(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = site.folder / "secret"
    secret.write_bytes(b"root's own")
    secret.chmod(0o600)
    for path in (site.work, site.there, *site.there.iterdir()):
        shutil.chown(path, "nobody")
    reachable = subprocess.run(["runuser", "-u", "nobody", "--", "ls", site.there], check=False, capture_output=True)  # noqa: S607
    if reachable.returncode:
        for path in site.work.parents:
            if path.owner() == "root" and path.is_relative_to("/tmp"):  # noqa: S108
                path.chmod(path.stat().st_mode | 0o011)
    # The component puts a link in the place of its folder's file between listing and reading.
    (site.there / FIRST).unlink()
    (site.there / FIRST).symlink_to(secret)
    site.program("find", f"echo '10 {FIRST}'; exec /usr/bin/find \"$@\"")
    assert site.do("fetch") == 0
    assert site.here() == {name: CONTENTS[name] for name in (SECOND, GATE, UNDATED)}
    assert "1 were deleted there meanwhile" in capsys.readouterr().out


def test_a_real_ssh_server_brings_the_same(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin")
    if server is None:
        pytest.skip("there is no sshd on this machine")
    monkeypatch.setenv("PATH", os.environ["PATH"].partition(":")[2])
    with started(server, tmp_path / "ssh") as sshd:
        assert fetched_over(sshd, site) == 0
    assert {name: hashlib.sha256(content).digest() for name, content in site.here().items()} == {
        name: hashlib.sha256(content).digest() for name, content in CONTENTS.items()
    }


def fetched_over(sshd: Sshd, site: Site) -> int:
    options = [f"--ssh-option={each}" for each in sshd.options]
    return main(["fetch", "--host", sshd.host, *options, "--work", str(site.work), "--out", str(site.out)])
