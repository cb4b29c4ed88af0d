import json
import socket
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from smartcam.console import door
from smartcam.console.access import Password, Sessions
from tests.fakes.clock import FakeClock
from tests.fakes.console_world import PASSWORD, ConsoleWorld


def test_who_is_not_signed_in_is_told_nothing_but_that(locked: ConsoleWorld) -> None:
    for path in ("/api/cameras", "/api/health", "/api/health/day", "/api/clips/yard/x.mp4", "/api/nothing"):
        answer = locked.ask("GET", path)
        assert (answer.status, answer.json) == (401, {"error": "sign in first"}), path
    with pytest.raises(InvalidStatus) as refused:
        locked.look()
    assert refused.value.response.status_code == 401


def test_a_forged_cookie_signs_nobody_in(locked: ConsoleWorld) -> None:
    assert locked.sign_in().status == 200
    for forged in ("", "x", locked.cookie + "x", locked.cookie[:-1], "\u00fc" * 30, "a" * 8000):
        headers = {"Cookie": f"smartcam={forged}".encode().decode("latin-1")}
        assert locked.ask("GET", "/api/cameras", headers=headers).status == 401, forged


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "[::1].x"])
def test_a_name_that_somebody_else_owns_leads_to_nothing(world: ConsoleWorld, host: str) -> None:
    answer = world.ask("GET", "/api/cameras", headers={"Host": host or " ", "Origin": f"http://{host}"})
    assert answer.status == 421
    assert world.ask("GET", "/", headers={"Host": host or " "}).status == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9000", "127.0.0.1", "192.168.1.20:8181", "[::1]:8181", "[::1]"]
)
def test_an_address_and_the_end_of_a_tunnel_are_ours(world: ConsoleWorld, host: str) -> None:
    assert world.ask("GET", "/api/cameras", headers={"Host": host, "Origin": f"http://{host}"}).status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://{host}", "http://{host}0", "http://127.0.0.1"]
)
def test_another_page_may_neither_look_nor_change(world: ConsoleWorld, origin: str) -> None:
    origin = origin.format(host=world.host)
    token = str(world.ask("GET", "/api/session").json["token"])
    headers = {"Origin": origin, "X-Smartcam-Token": token}
    assert world.ask("GET", "/api/cameras", headers=headers).status == 403
    assert world.ask("POST", "/api/session", {"password": PASSWORD}, headers=headers).status == 403
    assert world.ask("DELETE", "/api/session", headers=headers).status == 403
    with pytest.raises(InvalidStatus) as refused:
        world.look(origin=origin)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_page_embeds_without_naming_itself_is_refused(world: ConsoleWorld, site: str) -> None:
    headers = {"Origin": "", "Sec-Fetch-Site": site}
    assert world.ask("GET", "/api/clips/yard/x.mp4", headers=headers).status == 403
    assert world.ask("GET", "/api/clips/yard/x.mp4", headers={"Origin": "", "Sec-Fetch-Site": "none"}).status == 404


@pytest.mark.parametrize("token", ["", "forged", "word-0 ", "\u00fc"])
def test_a_change_without_the_sessions_token_changes_nothing(locked: ConsoleWorld, token: str) -> None:
    assert locked.sign_in().status == 200
    answer = locked.ask("DELETE", "/api/session", headers={"X-Smartcam-Token": token})
    assert answer.status == 403
    assert locked.ask("GET", "/api/session").json["signed_in"] is True


def test_the_token_of_another_session_is_no_token(locked: ConsoleWorld) -> None:
    locked.sign_in()
    other = locked.token
    locked.sign_in()
    assert other != locked.token
    assert locked.ask("DELETE", "/api/session", headers={"X-Smartcam-Token": other}).status == 403


def test_every_answer_forbids_scripts_of_others_and_frames(locked: ConsoleWorld) -> None:
    for path in ("/", "/api/session", "/api/cameras", "/nothing", "/api/nothing"):
        headers = locked.ask("GET", path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
    assert locked.ask("GET", "/api/session").headers["cache-control"] == "no-store"


def test_a_body_that_is_too_large_is_not_read(world: ConsoleWorld) -> None:
    answer = world.ask("POST", "/api/session", {"password": "x" * 70_000})
    assert (answer.status, answer.json["error"]) == (413, "a request has at most 65536 bytes")
    # One that does not say how large it is.
    with socket.create_connection(("127.0.0.1", world.port), timeout=30) as connection:
        connection.sendall(
            f"POST /api/session HTTP/1.1\r\nHost: {world.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        connection.sendall(chunk * 3)
        assert b" 413 " in connection.recv(65536)
    assert world.ask("GET", "/api/session").status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"password": 7}', b'{"password": ""}', b"\xff", b"[" * 40_000])
def test_a_body_that_is_no_request_is_told_so(world: ConsoleWorld, body: bytes) -> None:
    head = f"POST /api/session HTTP/1.0\r\nHost: {world.host}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", world.port), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        head_of_answer, _, answer = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert b" 400 " in head_of_answer
    assert "error" in json.loads(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/../settings.py",
        "/%2e%2e/settings.py",
        "/static/../../settings.py",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/api/clips/yard/..%2f..%2fpassword",
        "/api/clips/../yard/x",
        "/api/clips/yard/%00.mp4",
        "/api/clips/%3Cscript%3E/x.mp4",
        "/api/clips/yard/0190b2c4-0000-7000-8000-000000000000.yard.001.mp4%00",
    ],
)
def test_no_path_leads_out_of_what_is_shown(world: ConsoleWorld, path: str) -> None:
    (world.clips.parent / "password").write_text("secret")
    answer = world.ask("GET", path)
    assert answer.status in {400, 404}
    assert b"secret" not in answer.body
    assert b"<" not in answer.body or answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/api/session", "/api/cameras", "/", "/main.js", "/nothing/at/all"])
def test_a_socket_where_there_is_none_is_refused_like_any_other_request(
    locked: ConsoleWorld, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://{locked.host}{path}", additional_headers={"Origin": f"http://{locked.host}"}),
    ):
        pass
    assert refused.value.response.status_code in {401, 403, 404}
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    "path", ["//api/cameras", "/api//cameras", "/api%2fcameras", "/API/cameras", "/./api/cameras", "/x/../api/cameras",
             "/api/cameras/", "/static/main.js", "/api", "http://127.0.0.1/api/cameras"],
)  # fmt: skip
def test_however_a_path_is_written_nothing_behind_the_door_is_told(locked: ConsoleWorld, path: str) -> None:
    answer = locked.ask("GET", path)
    assert answer.status in {401, 404}
    assert b'cameras":' not in answer.body


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_a_method_that_nothing_has_changes_nothing(world: ConsoleWorld, method: str) -> None:
    token = str(world.ask("GET", "/api/session").json["token"])
    assert world.ask(method, "/api/cameras").status in {400, 403}
    assert world.ask(method, "/api/cameras", headers={"X-Smartcam-Token": token}).status in {400, 405}


def test_a_body_that_comes_too_slowly_is_not_waited_for(world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_BODY_S", 0.3)
    with socket.create_connection(("127.0.0.1", world.port), timeout=30) as slow:
        slow.sendall(f"POST /api/session HTTP/1.1\r\nHost: {world.host}\r\nContent-Length: 50\r\n\r\n".encode())
        for _ in range(5):
            slow.sendall(b"{")
        assert b" 408 " in slow.recv(65536)


def test_two_requests_in_one_are_two_requests(locked: ConsoleWorld) -> None:
    """What a proxy would take for a body must not be answered as a request of somebody else."""
    hidden = f"GET /api/cameras HTTP/1.1\r\nHost: {locked.host}\r\n\r\n"
    for head in ("Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6"):
        with socket.create_connection(("127.0.0.1", locked.port), timeout=30) as connection:
            connection.sendall(
                f"POST /api/session HTTP/1.1\r\nHost: {locked.host}\r\n{head}\r\n\r\n0\r\n\r\n{hidden}".encode()
            )
            connection.settimeout(5)
            answers = b""
            with suppress(TimeoutError):
                while part := connection.recv(65536):
                    answers += part
        assert b" 200 " not in answers
        assert b'cameras":' not in answers


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[a-z0-9.\[\]:%-]{0,30}")))
def test_whatever_a_host_is_called_only_addresses_and_our_names_are_ours(host: str) -> None:
    taken = door.Door(Starlette(), Sessions(Password(Path("none")), FakeClock(), lambda: "word"), ("yard.local",))
    if taken._is_ours(host):
        name = host.lower()
        bare = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name
        assert {name, bare} & {"localhost", "yard.local"} or any(is_address(each) for each in (name, bare))


def is_address(name: str) -> bool:
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
