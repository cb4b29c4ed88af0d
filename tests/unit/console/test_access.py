import json
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.console.access import COST, LONGEST, Guesses, Password, PasswordUnreadable, Sessions
from tests.fakes.clock import FakeClock
from tests.fakes.console_world import PASSWORD, ConsoleWorld

REAL_COST = COST
"""Before the tests make it cheap."""


def test_a_password_is_kept_as_scrypt_alone_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    password = Password(tmp_path / "password")
    assert (password.is_set(), password.version(), password.matches("")) == (False, "", False)
    password.store(PASSWORD)
    assert password.path.stat().st_mode & 0o777 == 0o600
    assert PASSWORD.encode() not in password.path.read_bytes()
    assert password.matches(PASSWORD)
    assert not any(
        password.matches(wrong) for wrong in ("", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), "x" * 5000)
    )


def test_a_guess_costs_what_owasp_asks_for_where_there_is_16_mb_for_it() -> None:
    assert REAL_COST == {"n": 16_384, "r": 8, "p": 5}


def test_the_same_password_looks_different_each_time(tmp_path: Path) -> None:
    password = Password(tmp_path / "password")
    password.store(PASSWORD)
    before = password.version(), password.path.read_bytes()
    password.store(PASSWORD)
    assert before[0] != password.version()
    assert before[1] != password.path.read_bytes()


@pytest.mark.parametrize("text", ["", "short", "x" * (LONGEST + 1)])
def test_a_password_that_is_too_short_or_too_long_leaves_the_one_before(tmp_path: Path, text: str) -> None:
    password = Password(tmp_path / "password")
    password.store(PASSWORD)
    with pytest.raises(ValueError, match="10 to 1024"):
        password.store(text)
    assert password.matches(PASSWORD)


def damage(path: Path, how: str) -> None:
    if how == "empty":
        path.write_bytes(b"")
    elif how == "no JSON":
        path.write_bytes(b"\xff{")
    elif how == "another document":
        path.write_text("[1]")
    elif how == "nested too deep":
        path.write_text("[" * 4000)
    elif how == "no salt":
        path.write_text(json.dumps({"salt": "", "scrypt": ""}))
    elif how == "readable by others":
        path.chmod(0o644)
    elif how == "a link":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to("elsewhere")
    elif how == "a folder":
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "no JSON",
        "another document",
        "nested too deep",
        "no salt",
        "readable by others",
        "a link",
        "a folder",
    ],
)
def test_a_password_file_that_cannot_be_trusted_lets_nobody_in_and_does_not_count_as_none(
    tmp_path: Path, how: str
) -> None:
    password = Password(tmp_path / "password")
    password.store(PASSWORD)
    damage(password.path, how)
    sessions = Sessions(password, FakeClock(), lambda: "word")
    for ask in (password.is_set, password.version, lambda: password.matches(PASSWORD), lambda: sessions.find(None)):
        with pytest.raises(PasswordUnreadable, match="set the password again"):
            ask()


def test_a_damaged_password_file_shuts_a_running_console_for_everybody(tmp_path: Path) -> None:
    console = ConsoleWorld(tmp_path)
    console.password.store(PASSWORD)
    with console.running() as world:
        world.sign_in()
        damage(world.password.path, "empty")
        answer = world.ask("GET", "/api/cameras")
        assert answer.status == 503
        assert "damaged" in str(answer.json["error"])
        assert world.sign_in().status == 503


def test_a_session_ends_by_itself_after_a_day_without_use(tmp_path: Path) -> None:
    clock, words = FakeClock(), iter("abcdef")
    password = Password(tmp_path / "password")
    password.store(PASSWORD)
    sessions = Sessions(password, clock, words.__next__)
    cookie, session = sessions.begin()
    for _ in range(3):
        clock.advance(23 * 3600)
        assert sessions.find(cookie) is session
    clock.advance(24 * 3600)
    assert sessions.find(cookie) is None
    assert not sessions.holds(session)


def test_another_password_signs_everybody_out(tmp_path: Path) -> None:
    words = iter("abcdefgh")
    password = Password(tmp_path / "password")
    sessions = Sessions(password, FakeClock(), words.__next__)
    nobodys = sessions.find(None)
    assert nobodys is not None
    password.store(PASSWORD)
    assert sessions.find(None) is None
    assert not sessions.holds(nobodys)
    cookie, session = sessions.begin()
    password.store(PASSWORD)
    assert sessions.find(cookie) is None
    assert not sessions.holds(session)


def test_sessions_are_bounded_and_the_one_that_was_used_longest_ago_ends(tmp_path: Path) -> None:
    clock, words = FakeClock(), iter(str(i) for i in range(1000))
    password = Password(tmp_path / "password")
    password.store(PASSWORD)
    sessions = Sessions(password, clock, words.__next__)
    first, second = sessions.begin()[0], sessions.begin()[0]
    for _ in range(31):
        clock.advance(1)
        sessions.find(first)
        sessions.begin()
    assert sessions.find(first) is not None
    assert sessions.find(second) is None


def test_after_five_wrong_guesses_each_further_one_has_to_wait_longer() -> None:
    clock = FakeClock()
    guesses = Guesses(clock)
    waits = []
    for _ in range(20):
        wait = guesses.wait_s("10.0.0.7")
        waits.append(wait)
        clock.advance(wait)
        assert guesses.wait_s("10.0.0.7") == 0
        guesses.begin("10.0.0.7")
    assert waits == [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, *[900] * 6]
    assert guesses.wait_s("10.0.0.8") == 0
    guesses.right("10.0.0.7")
    assert guesses.wait_s("10.0.0.7") == 0


def test_whoever_has_a_whole_network_of_addresses_guesses_as_one() -> None:
    guesses = Guesses(FakeClock())
    for i in range(6):
        guesses.begin(f"2001:db8::{i}")
    assert guesses.wait_s("2001:db8::ffff:1") > 0
    assert guesses.wait_s("2001:db8:0:1::1") == 0
    for i in range(6):
        guesses.begin(f"::ffff:10.0.0.{i}")
    assert guesses.wait_s("10.0.0.1") == 0


@settings(max_examples=3, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=300, max_size=400, unique=True))
def test_very_many_addresses_take_bounded_memory_and_bounded_guesses(addresses: list[int]) -> None:
    guesses = Guesses(FakeClock())
    let_in = 0
    for _ in range(8):
        for address in addresses:
            text = ".".join(str(part) for part in address.to_bytes(4))
            if guesses.wait_s(text) == 0:
                let_in += 1
                guesses.begin(text)
    assert let_in <= 257 * 5


def test_guessing_the_password_is_stopped_and_the_right_one_waits_as_well(locked: ConsoleWorld) -> None:
    for _ in range(5):
        answer = locked.sign_in("not the password")
        assert (answer.status, answer.json) == (401, {"error": "the password is wrong"})
        assert "set-cookie" not in answer.headers
    answer = locked.sign_in()
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    locked.guess_clock.advance(2)
    assert locked.sign_in().status == 200


def test_guesses_at_the_same_time_are_not_free(locked: ConsoleWorld) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(locked.sign_in("not the password").status)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * 5 + [429] * 7


def test_what_a_proxy_is_said_to_have_seen_gives_no_new_guesses(locked: ConsoleWorld) -> None:
    document = {"password": "not the password"}
    for i in range(6):
        headers = {"X-Forwarded-For": f"10.0.0.{i}", "X-Real-IP": f"10.0.0.{i}", "Forwarded": f"for=10.0.0.{i}"}
        answer = locked.ask("POST", "/api/session", document, headers=headers)
    assert answer.status == 429
