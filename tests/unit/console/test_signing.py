import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fakes.console_world import ConsoleWorld, all_of


def test_without_a_password_everybody_on_this_device_is_signed_in(world: ConsoleWorld) -> None:
    session = world.ask("GET", "/api/session").json
    assert (session["signed_in"], session["password_needed"]) == (True, False)
    answer = world.sign_in("whatever")
    assert (answer.status, answer.json) == (200, session)
    assert "set-cookie" not in answer.headers


def test_the_right_password_signs_in_with_a_cookie_that_no_script_reads_and_no_other_site_sends(
    locked: ConsoleWorld,
) -> None:
    assert locked.ask("GET", "/api/session").json == {
        "signed_in": False,
        "password_needed": True,
        "token": None,
    }
    answer = locked.sign_in()
    assert answer.json["signed_in"] is True
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes >= {"httponly", "samesite=strict", "path=/"}
    assert locked.token not in answer.headers["set-cookie"]
    assert locked.ask("GET", "/api/cameras").status == 200


def test_a_cookie_that_is_replayed_after_signing_out_is_worth_nothing(locked: ConsoleWorld) -> None:
    locked.sign_in()
    cookie, token = locked.cookie, locked.token
    answer = locked.ask("DELETE", "/api/session")
    assert answer.json["signed_in"] is False
    assert 'smartcam=""' in answer.headers["set-cookie"]
    locked.cookie, locked.token = cookie, token
    assert locked.ask("GET", "/api/cameras").status == 401
    assert locked.ask("GET", "/api/session").json["signed_in"] is False
    with pytest.raises(InvalidStatus):
        locked.look()


def test_signing_out_ends_the_live_pictures_of_that_session_and_of_no_other(locked: ConsoleWorld) -> None:
    locked.sign_in()
    with locked.look() as others:
        locked.sign_in()
        with locked.look() as ours:
            locked.ask("DELETE", "/api/session")
            with pytest.raises(ConnectionClosed):
                all_of(ours)
        others.ping().wait(60)
        assert others.close_code is None


def test_a_new_sign_in_never_goes_on_with_a_cookie_that_was_there_before(locked: ConsoleWorld) -> None:
    locked.cookie = "chosen by somebody else"
    locked.sign_in()
    assert locked.cookie != "chosen by somebody else"
