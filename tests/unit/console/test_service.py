import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp

from smartcam.console.access import PASSWORD_FILE, Guesses, Password, Sessions
from smartcam.console.door import Door, Signing
from smartcam.console.main import build
from smartcam.console.service import SCRIPT, ConsoleService, MakeApp
from smartcam.console.settings import ConsoleSettings
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from tests.fakes.bus import FakeBus, FakeNucleus
from tests.fakes.console_world import PASSWORD
from tests.threads import in_a_thread
from tests.unit.console.test_settings import certificate
from tests.waiting import until

CONSOLE = "smartcam.Console"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def empty_app(settings: ConsoleSettings, sessions: Sessions, _: Guesses) -> ASGIApp:
    return Door(Starlette(), sessions, settings.names, is_tls=settings.certificate is not None)


def signing_app(settings: ConsoleSettings, sessions: Sessions, guesses: Guesses) -> ASGIApp:
    app = Starlette(routes=Signing(settings, sessions, guesses).routes())
    return Door(app, sessions, settings.names, is_tls=settings.certificate is not None)


@contextmanager
def running(nucleus: FakeNucleus, folder: Path, app: MakeApp = empty_app) -> Iterator[None]:
    with in_a_thread(ConsoleService(FakeBus(nucleus, CONSOLE), folder, SystemClock(), app).run):
        yield


def answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def said(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return any(words in record.getMessage() for record in caplog.records)


def test_it_listens_where_its_configuration_says_and_moves_with_it(tmp_path: Path) -> None:
    nucleus, first, second = FakeNucleus(), free_port(), free_port()
    nucleus.configure(CONSOLE, {"port": first})
    with running(nucleus, tmp_path):
        assert until(lambda: answers(first))
        nucleus.configure(CONSOLE, {"port": second})
        assert until(lambda: answers(second))
        assert not answers(first)
    assert not answers(second)


def test_a_configuration_that_cannot_be_understood_changes_nothing_across_a_restart_as_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nucleus, port = FakeNucleus(), free_port()
    nucleus.configure(CONSOLE, {"port": port})
    with running(nucleus, tmp_path):
        assert until(lambda: answers(port))
        nucleus.configure(CONSOLE, {"port": port, "address": "0.0.0.0"})  # noqa: S104  what is refused
        assert until(lambda: said(caplog, "needs TLS"))
        assert answers(port)
    with running(nucleus, tmp_path):
        assert until(lambda: answers(port))


def test_it_refuses_to_open_to_others_without_a_password_and_opens_once_there_is_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcam.console.service._AGAIN_S", 0.1)
    cert, key = certificate(tmp_path)
    nucleus, port = FakeNucleus(), free_port()
    nucleus.configure(CONSOLE, {"port": port, "address": "0.0.0.0", "certificate": str(cert), "key": str(key)})  # noqa: S104
    password = Password(tmp_path / PASSWORD_FILE)
    with running(nucleus, tmp_path):
        assert until(lambda: said(caplog, "address = '0.0.0.0': needs a password: run `sh "))
        assert not answers(port)
        password.store(PASSWORD)
        assert until(lambda: answers(port))
        trusting = ssl.create_default_context(cafile=str(cert))
        trusting.check_hostname = False
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"https://127.0.0.1:{port}/api/cameras", context=trusting)
        assert refused.value.code == 401
        refused.value.close()
        password.path.unlink()
        assert until(lambda: not answers(port))


def test_over_tls_the_cookie_is_this_hosts_alone_and_who_never_greets_keeps_nobody_out(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    nucleus, port = FakeNucleus(), free_port()
    nucleus.configure(CONSOLE, {"port": port, "address": "127.0.0.1", "certificate": str(cert), "key": str(key)})
    Password(tmp_path / PASSWORD_FILE).store(PASSWORD)
    trusting = ssl.create_default_context(cafile=str(cert))
    trusting.check_hostname = False
    with running(nucleus, tmp_path, signing_app), ExitStack() as silent:
        assert until(lambda: answers(port))
        for _ in range(150):
            silent.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        host = f"127.0.0.1:{port}"
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=trusting)
        connection.request("POST", "/api/session", json.dumps({"password": PASSWORD}), {"Origin": f"https://{host}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-smartcam=")
        assert {"secure", "httponly", "samesite=strict"} <= {part.strip().lower() for part in cookie.split(";")}
        connection.request("POST", "/api/session", json.dumps({"password": PASSWORD}), {"Origin": f"http://{host}"})
        assert connection.getresponse().status == 403
        connection.close()


def test_a_port_that_is_taken_is_said_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcam.console.service._AGAIN_S", 0.1)
    nucleus = FakeNucleus()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        nucleus.configure(CONSOLE, {"port": port})
        with running(nucleus, tmp_path):
            assert until(lambda: said(caplog, f"127.0.0.1 port {port} cannot be listened at"))
            time.sleep(0.3)
            assert len([one for one in caplog.records if "cannot be listened" in one.getMessage()]) == 1
            other.close()
            assert until(lambda: answers(port))


def test_a_nucleus_that_is_away_keeps_nobody_from_looking(tmp_path: Path) -> None:
    nucleus, port = FakeNucleus(), free_port()
    nucleus.configure(CONSOLE, {"port": port})
    with running(nucleus, tmp_path):
        assert until(lambda: answers(port))
    nucleus.away = True
    with running(nucleus, tmp_path):
        assert until(lambda: answers(port))


def test_a_password_is_set_on_the_device_by_a_script_in_the_work_folder(tmp_path: Path) -> None:
    work = tmp_path / "work folder"
    work.mkdir()
    nucleus = FakeNucleus()
    nucleus.configure(CONSOLE, {"port": free_port()})
    with running(nucleus, work):
        assert until((work / SCRIPT).is_file)
    command = ["sh", str(work / SCRIPT)]
    ran = subprocess.run(command, input=f"{PASSWORD}\n", text=True, capture_output=True, check=True, cwd="/")
    assert "the password is set" in ran.stdout
    assert PASSWORD not in ran.stdout + ran.stderr
    version = Password(work / PASSWORD_FILE).version()
    assert version
    ran = subprocess.run(command, input="short\n", text=True, capture_output=True, check=False, cwd="/")
    assert (ran.returncode, "10 to 1024" in ran.stderr) == (2, True)
    assert Password(work / PASSWORD_FILE).version() == version


def test_the_component_opens_one_port_and_no_other(tmp_path: Path) -> None:
    nucleus, port = FakeNucleus(), free_port()
    nucleus.configure(CONSOLE, {"port": port})
    stop = StopToken()
    work = tmp_path / "work" / CONSOLE
    work.mkdir(parents=True)
    before = listening()
    services = build(FakeBus(nucleus, CONSOLE), tmp_path, work)
    threads = [threading.Thread(target=service.run, args=(stop,)) for _, service in services]
    for thread in threads:
        thread.start()
    try:
        assert until(lambda: answers(port))
        assert listening() - before == {("0100007F", f"{port:04X}")}
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def listening() -> set[tuple[str, str]]:
    """Address and port, in hexadecimal, of what listens in this network namespace by processes of ours."""
    ours = {
        link.readlink().name.removeprefix("socket:[").removesuffix("]")
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink() and "socket:" in str(link.readlink())
    }
    found = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            fields = line.split()
            is_open = fields[3] in {"0A", "07"}
            if is_open and fields[9] in ours:
                address, _, port = fields[1].partition(":")
                found.add((address, port))
    return found
