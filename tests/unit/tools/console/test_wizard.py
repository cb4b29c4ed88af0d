"""The wizard's routes, in a console that really answers."""

import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.clips import picture_of, write_clip
from tests.fakes.console_world import Answer, ConsoleWorld
from tests.waiting import until
from tools.console import wizard
from tools.console.ordering import FirstOrder
from tools.console.wizard import Wizard
from tools.setup import Toolchain

WORD = "wörd"


class Around:
    """One camera; whoever looks waits until it may be found."""

    def __init__(self) -> None:
        self.searches = 0
        self.may_find = threading.Event()
        self.may_find.set()

    def look(self) -> tuple[str, tuple[str, ...]]:
        self.searches += 1
        self.may_find.wait(10)
        return "cameras: {door: {}}", ("one of them wants a login",)


def no_tools() -> Toolchain:
    raise AssertionError("nothing is installed before the last yes")


@pytest.fixture(scope="module")
def around() -> Around:
    return Around()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, around: Around) -> Iterator[ConsoleWorld]:
    folder = tmp_path_factory.mktemp("wizard")
    made = Wizard(around.look, folder / "setup", WORD, no_tools)
    with ConsoleWorld(folder, more=made.routes()).running() as running:
        running.token = str(running.ask("GET", "/api/session").json["token"])
        yield running
        made.close()


def post(world: ConsoleWorld, name: str, **document: object) -> Answer:
    return world.ask("POST", f"/api/setup/{name}", {"word": WORD, **document})


@pytest.mark.parametrize("name", ["state", "find", "cameras", "picture", "plan", "deploy", "stop"])
def test_nothing_is_done_or_told_for_who_does_not_know_both_the_token_and_the_word(
    world: ConsoleWorld, around: Around, name: str
) -> None:
    before = around.searches
    answer = world.ask("POST", f"/api/setup/{name}", {}, headers={"X-Smartcam-Token": "guessed"})
    assert (answer.status, around.searches) == (403, before)
    for word in ("guessed", WORD[:-1], " ", None, 7):
        answer = post(world, name, word=word)
        assert (answer.status, around.searches) in ((403, before), (400, before))


def test_one_search_runs_at_a_time_however_many_ask(world: ConsoleWorld, around: Around) -> None:
    around.may_find.clear()
    before, answers = around.searches, list[Answer]()
    first = threading.Thread(target=lambda: answers.append(post(world, "find")))
    first.start()
    try:
        until(lambda: around.searches > before)
        refused = post(world, "find")
        assert (refused.status, around.searches) == (409, before + 1)
        assert "just now" in str(refused.json["error"])
    finally:
        around.may_find.set()
        first.join()
    assert answers[0].json == {"yaml": "cameras: {door: {}}", "remarks": ["one of them wants a login"]}


def configuration(clip: Path, more: str = "") -> str:
    return f"smartcam.Capture:\n  cameras:\n    yard: {{source: file, path: {clip}{more}}}\n"


def test_the_picture_is_what_capture_would_hand_on_masked_as_it_says(world: ConsoleWorld, tmp_path: Path) -> None:
    bright = picture_of(np.full((240, 320), 200, np.uint8))
    clip = write_clip(tmp_path / "bright.mp4", [bright] * 20)
    text = configuration(clip, ", masks: {window: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}")
    assert post(world, "cameras", cameras=text).json == {"cameras": ["yard"]}
    answer = post(world, "picture", cameras=text, camera="yard")
    assert answer.headers["content-type"] == "image/jpeg"
    shown = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    assert shown.shape == (240, 320)
    assert float(shown[:, :150].mean()) < 40
    assert float(shown[:, 170:].mean()) > 150


def test_a_camera_that_shows_nothing_and_text_that_is_no_configuration_are_told_with_the_reason(
    world: ConsoleWorld, tmp_path: Path
) -> None:
    gone = configuration(tmp_path / "gone.mp4")
    for name, document, words in (
        ("picture", {"cameras": gone, "camera": "yard"}, "no such file"),
        ("picture", {"cameras": gone, "camera": "gate"}, "must be one of the cameras in the configuration"),
        ("cameras", {"cameras": "smartcam.Capture: ["}, "line 1"),
        ("cameras", {"cameras": ["not text"]}, "must be text"),
        ("cameras", {"cameras": "smartcam.Capture:\n  cameras:\n"}, "names no cameras: write them below"),
        ("cameras", {"cameras": "smartcam.Capture: {}"}, "names no cameras: write them below"),
        ("plan", {"cameras": "", "tells": False}, ""),
        ("deploy", {"plan": "guessed"}, "not the plan that was shown last"),
    ):
        answer = post(world, name, **document)
        assert answer.status in (400, 409), name
        assert words.lower() in str(answer.json["error"]).lower()
    assert post(world, "state").json["state"] == "idle"


def test_a_plan_is_shown_agreed_to_and_done(world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    order = FirstOrder("", Path("cameras.yaml"), "Smartcam", {}, None)
    monkeypatch.setattr(wizard, "read_order", lambda *_: order)
    monkeypatch.setattr(wizard, "planned", lambda _: iter(["this would be done"]))
    monkeypatch.setattr(wizard, "deployed", lambda *_: iter(["it is done"]))

    def now() -> dict[str, object]:
        return post(world, "state").json

    assert post(world, "plan").status == 200
    until(lambda: now()["state"] == "planned")
    assert now()["lines"] == ["this would be done"]
    assert post(world, "deploy", plan=now()["plan"]).status == 200
    until(lambda: now()["state"] == "done")
    assert now()["lines"] == ["it is done"]
    assert post(world, "stop").json["state"] == "idle"


def test_a_devices_own_console_has_no_wizard(tmp_path: Path) -> None:
    with ConsoleWorld(tmp_path).running() as device:
        device.token = str(device.ask("GET", "/api/session").json["token"])
        assert device.ask("POST", "/api/setup/find", {}).status == 404
