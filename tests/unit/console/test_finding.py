"""Cameras are looked for when a person asks, and at no other time."""

import threading

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from smartcam.console.finding import CameraFinding
from tests.fakes.console_world import ConsoleWorld


def test_only_who_is_signed_in_and_has_the_token_makes_the_device_look(locked: ConsoleWorld) -> None:
    locked.may_find.set()
    assert locked.ask("POST", "/api/finding").status == 401
    assert locked.ask("GET", "/api/finding").status == 401
    locked.sign_in()
    assert locked.ask("POST", "/api/finding", headers={"X-Smartcam-Token": "guessed"}).status == 403
    assert locked.ask("GET", "/api/finding").json == {"can_find": True}
    assert locked.searches == 0
    answer = locked.ask("POST", "/api/finding")
    assert answer.json == {"yaml": "cameras: {door: {}}", "remarks": ["one of them wants a login"]}
    assert locked.searches == 1


def test_one_search_runs_at_a_time_however_many_ask(world: ConsoleWorld) -> None:
    world.token = str(world.ask("GET", "/api/session").json["token"])
    world.may_find.clear()
    statuses: list[int] = []
    first = threading.Thread(target=lambda: statuses.append(world.ask("POST", "/api/finding").status))
    first.start()
    try:
        while not world.searches:
            first.join(0.01)
        refused = world.ask("POST", "/api/finding")
        assert (refused.status, world.searches) == (409, 1)
        assert "just now" in str(refused.json["error"])
    finally:
        world.may_find.set()
        first.join()
    assert statuses == [200]
    assert world.ask("POST", "/api/finding").status == 200


def test_a_device_that_cannot_look_says_what_can() -> None:
    finding, request = CameraFinding(None), Request({"type": "http"})
    assert finding.can(request).body == b'{"can_find":false}'
    with pytest.raises(HTTPException, match="smartcam cameras find") as refused:
        finding.find(request)
    assert refused.value.status_code == 404
