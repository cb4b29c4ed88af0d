"""What is hard to see beside a device: in step, a thousand events, by keyboard and by touch, strange names."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import patient
from tests.fakes.console_server import STATIC, MadeConsole, made_events, serving

MANY = 1000
STRANGE = "<img src=x onerror=\"document.title = 'broken'\">"
NOISE = "Failed to load resource"


@pytest.fixture(scope="module")
def world() -> MadeConsole:
    made = MadeConsole(events=made_events(MANY, time.time_ns() // 1_000_000))
    made.events[0] |= {
        "label": STRANGE,
        "zone": STRANGE,
        "rule": STRANGE,
        "reason_words": {"en": STRANGE, "zh": STRANGE},
    }
    made.settings["gate"]["zones"] = {
        STRANGE: [[0.1, 0.1], [0.4, 0.1], [0.4, 0.4]],
        "constructor": [[0.5, 0.5], [1, 0.5], [1, 1]],
    }
    return made


@pytest.fixture(scope="module")
def address(world: MadeConsole) -> Iterator[str]:
    if not STATIC.is_dir():
        pytest.skip("the page is not made: python -m tools.setup setup-console")
    with serving(world) as there:
        yield there


@contextmanager
def visiting(browser: Browser, address: str, place: str, **how: object) -> Iterator[Page]:
    """A person's browser; nothing may go wrong in it, nor be against the page's own policy."""
    context = patient(browser.new_context(locale="en-GB", **how))  # type: ignore[arg-type]
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(f"{address}#/{place}")
    yield page
    assert [fault for fault in faults if NOISE not in fault] == []
    assert page.title() == "Smartcam"
    context.close()


APART = """() => {
    const video = document.querySelector("video");
    const body = () => {
        const canvas = new OffscreenCanvas(320, 180), pen = canvas.getContext("2d");
        pen.drawImage(video, 0, 0, 320, 180);
        const { data } = pen.getImageData(0, 0, 320, 180), found = [];
        for (let x = 0; x < 320; x += 1)
            for (let y = 90; y < 150; y += 6)
                if (data[(y * 320 + x) * 4 + 2] > 120 && data[(y * 320 + x) * 4] < 90) found.push(x);
        return found.length ? (Math.min(...found) + Math.max(...found)) / 640 : null;
    };
    const box = () => {
        const around = document.querySelector(".box.event")?.getBoundingClientRect();
        const whole = video.getBoundingClientRect();
        return around ? ((around.left + around.right) / 2 - whole.left) / whole.width : null;
    };
    return new Promise((done) => video.requestVideoFrameCallback(() => requestAnimationFrame(() => {
        const [one, other] = [body(), box()];
        done(one === null || other === null ? null : Math.abs(one - other));
    })));
}"""
"""How far the middle of the box is from the middle of whom it is about, as a share of the picture's width."""


def test_the_box_is_where_somebody_is_in_the_very_picture_that_is_shown(browser: Browser, address: str) -> None:
    with visiting(browser, address, "live/yard") as page:
        page.wait_for_function("() => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames > 10")
        for name in ("path", "gate", "tree"):
            expect(page.locator(".overlay").get_by_text(name, exact=True)).to_be_visible()
        apart = [far for far in (page.evaluate(APART) for _ in range(12)) if far is not None]
        assert len(apart) >= 6
        # He goes a hundredth of the width from one picture to the next.
        assert sorted(apart)[len(apart) // 2] < 0.015


def test_a_camera_that_is_out_of_sight_is_not_watched(browser: Browser, address: str) -> None:
    with visiting(browser, address, "live", viewport={"width": 360, "height": 300}) as page:
        opened: list[str] = []
        page.on("websocket", lambda socket: opened.append(socket.url.rpartition("/")[2]))
        page.reload()
        expect(page.get_by_text("person 0.91").first).to_be_attached()
        assert opened == ["yard"]
        with page.expect_event("websocket", lambda socket: socket.url.endswith("/gate")):
            page.get_by_role("article", name="gate").scroll_into_view_if_needed()


def test_a_thousand_events_are_gone_through_by_the_keyboard_while_only_those_in_sight_are_there(
    browser: Browser, address: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    with visiting(browser, address, "events", viewport={"width": 1280, "height": 800}) as page:
        expect(page.locator(".row img").first).to_be_visible()
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")

        def script_s() -> float:
            found = session.send("Performance.getMetrics")["metrics"]
            return next(float(each["value"]) for each in found if each["name"] == "ScriptDuration")

        before, keys = script_s(), 0
        for key in ("End", *("PageUp",) * 5) * 6:
            page.keyboard.press(key)
            keys += 1
        record_testsuite_property("script_per_key_ms", round((script_s() - before) * 1000 / keys, 1))
        # Each visit to the end brings the next events, once those before have come.
        for _ in range(200):
            if page.evaluate("() => document.querySelector('.list > div').clientHeight") > 300 * 68:
                break
            page.keyboard.press("End")
            page.wait_for_timeout(200)
        assert page.evaluate("() => document.querySelector('.list > div').clientHeight") > 300 * 68
        assert page.locator(".row").count() < 40
        page.keyboard.press("Home")
        expect(page.locator(".row[aria-selected=true]")).to_be_in_viewport()


def test_a_verdict_is_given_and_taken_back_with_one_key_each(
    browser: Browser, address: str, world: MadeConsole
) -> None:
    with visiting(browser, address, "events") as page:
        expect(page.locator(".row img").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".row[aria-selected=true]")).to_be_visible()
        for key, verdict in (("f", False), ("t", True), ("u", None)):
            with page.expect_response("**/verdict"):
                page.keyboard.press(key)
            assert world.asked[-1] == ("verdict", world.events[0]["event_id"], verdict)
            count = 13 if verdict is False else 12
            expect(
                page.get_by_text(f"would have silenced 9 of the last 40 events. Of {count} judged false")
            ).to_be_visible()


def test_a_zone_and_a_line_are_drawn_changed_and_saved_by_the_keyboard_alone(
    browser: Browser, address: str, world: MadeConsole
) -> None:
    with visiting(browser, address, "draw/yard") as page:
        page.get_by_role("button", name="Add: zone").press("Enter")
        board = page.get_by_role("group", name="to draw on")
        expect(board).to_be_focused()
        for key in ("Space", "Shift+ArrowRight", "Space", "Shift+ArrowUp", "Space", "Enter"):
            page.keyboard.press(key)
        page.get_by_role("button", name="zone, corner 3 of 3").press("ArrowUp")
        page.get_by_role("button", name="Add: line").press("Enter")
        expect(board).to_be_focused()
        for key in ("Space", "Shift+ArrowDown", "Shift+ArrowDown", "Space"):
            page.keyboard.press(key)
        page.get_by_role("button", name="Turn the direction").press("Enter")
        save = page.get_by_role("button", name="Save", exact=True)
        expect(save).to_be_enabled()
        save.press("Enter")
        expect(page.get_by_role("status").filter(has_text="Applied.")).to_be_visible()
    saved = world.settings["yard"]
    assert saved["zones"]["zone"] == [[0.5, 0.5], [0.6, 0.5], [0.6, 0.39]]
    (x1, y1), (x2, y2) = saved["lines"]["line"]
    assert x1 == x2
    assert round(y1 - y2, 3) == 0.2


def test_a_name_that_is_being_typed_stays_when_the_device_has_looked_at_what_was_drawn(
    browser: Browser, address: str
) -> None:
    with visiting(browser, address, "live") as page:
        asked: list[Route] = []
        page.route("**/check", lambda route: asked.append(route))  # noqa: PLW0108  a method of a list takes no mark
        with page.expect_request("**/check"):
            page.goto(f"{address}#/draw/yard")
        page.get_by_role("button", name="path", exact=True).click()
        name = page.get_by_role("group", name="path", exact=True).get_by_label("Name")
        name.fill("path to the door")
        asked[0].continue_()
        page.unroute("**/check")
        expect(page.get_by_text("The device would accept this.")).to_be_visible()
        name.press("Enter")
        expect(page.get_by_role("button", name="path to the door", exact=True)).to_be_visible()


def test_what_a_later_deployment_set_aside_is_shown_and_set_again_where_a_person_wants_it(
    browser: Browser, address: str, world: MadeConsole
) -> None:
    mine = {"zones": {"mine": [[0.2, 0.2], [0.4, 0.2], [0.4, 0.4]]}}
    before, world.set_aside["gate"] = world.settings["gate"], mine
    with visiting(browser, address, "draw/gate") as page:
        expect(page.get_by_text("a later deployment has other zones")).to_be_visible()
        page.get_by_role("button", name="Set mine again").click()
        expect(page.get_by_role("button", name="mine", exact=True)).to_be_visible()
        assert world.settings["gate"] == before
        save = page.get_by_role("button", name="Save", exact=True)
        expect(save).to_be_enabled()
        save.click()
        expect(page.get_by_text("a later deployment has other zones")).not_to_be_visible()
    assert world.settings["gate"] == {**before, **mine}
    world.settings["gate"] = before


def test_settings_that_the_device_did_not_say_in_time_are_asked_for_again_and_that_is_said(
    browser: Browser, address: str, world: MadeConsole
) -> None:
    world.is_busy = True
    with visiting(browser, address, "draw/yard") as page:
        expect(page.get_by_text("smartcam.Capture did not answer within 5 s. Asking again …")).to_be_visible()
        world.is_busy = False
        expect(page.get_by_role("button", name="Add: zone")).to_be_visible()


def test_the_curve_shows_what_the_budget_promises_and_follows_its_slider(
    browser: Browser, address: str, world: MadeConsole
) -> None:
    def point(threshold: float, a_day: float) -> dict[str, float]:
        return {"threshold": threshold, "a_day": a_day, "least": a_day / 2, "most": 2 * a_day + 0.4}

    world.settings["hall"] = {**world.settings["yard"]}
    world.curve = [point(0.5, 20), point(0.6, 4), point(0.7, 0.25), point(0.8, 0)]
    with visiting(browser, address, "health") as page:
        figure = page.get_by_role("figure").filter(has_text="Alerts a day by threshold")
        slider = page.locator(".card", has=page.get_by_role("heading", name="hall")).get_by_role("slider")
        expect(figure).to_contain_text(
            "Above about 0.7 is unusual: 0.25 a day on what was watched, at most 0.9 with 90 %"
        )
        cut = figure.locator("canvas").screenshot()
        slider.focus()
        slider.press("End")
        expect(figure).to_contain_text("Above about 0.5 is unusual: 20 a day on what was watched, at most 40")
        assert figure.locator("canvas").screenshot() != cut
        expect(page.get_by_text("Too little has been watched")).to_have_count(1)
        slider.press("Home")
        expect(figure).not_to_be_visible()
        expect(page.get_by_text("Too little has been watched")).to_have_count(2)
        page.get_by_role("button", name="中文").click()
        expect(page.get_by_text("观察时间还太短")).to_have_count(2)
    world.curve = ()
    del world.settings["hall"]


def test_what_a_scene_found_most_unusual_is_shown_by_its_score_and_leads_to_its_event(
    browser: Browser, address: str, world: MadeConsole
) -> None:
    own = [each for each in world.events if (each["camera_id"], each["kind"]) == ("yard", "anomaly")]
    most = max(own, key=lambda each: each["score"])
    with visiting(browser, address, "health") as page:
        expect(page.get_by_role("list", name="Most unusual in the last week")).to_be_visible()
        links = page.locator(".unusual a")
        expect(links).to_have_count(5)
        shown = [float(words.split()[0]) for words in links.all_inner_texts()]
        assert shown == sorted(shown, reverse=True)
        assert shown[0] == most["score"]
        expect(links.first).to_contain_text("anomaly in view")
        page.get_by_role("button", name="中文").click()
        expect(links.first).to_contain_text("画面中有目标")
        page.get_by_role("button", name="English").click()
        links.first.click()
        expect(page.get_by_role("dialog")).to_contain_text(f"yard: anomaly {most['score']:.2f}")
        page.get_by_role("button", name="Close").click()
        expect(page.locator(f"[id='e-{most['event_id']}']")).to_be_in_viewport()


def test_the_first_paint_waits_for_no_script(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.route("**/main.js", lambda route: route.abort())
    page.goto(address)
    expect(page.get_by_role("banner")).to_have_text("Smartcam")
    page.close()


def test_a_mask_is_drawn_by_touch_on_a_phone_without_the_page_scrolling_away(browser: Browser, address: str) -> None:
    with visiting(browser, address, "draw/yard", viewport={"width": 360, "height": 740}, has_touch=True) as page:
        page.get_by_role("button", name="Add: mask").tap()

        def at(x: float, y: float) -> list[dict[str, float]]:
            page.evaluate("scrollTo(0, 0)")
            board = page.get_by_role("group", name="to draw on").bounding_box()
            assert board is not None
            return [{"x": board["x"] + x * board["width"], "y": board["y"] + y * board["height"]}]

        for corner in ((0.2, 0.1), (0.8, 0.1), (0.5, 0.5)):
            page.touchscreen.tap(**at(*corner)[0])
        page.get_by_role("button", name="Done").tap()
        expect(page.get_by_role("button", name="mask, corner 3 of 3")).to_be_attached()
        touch = page.context.new_cdp_session(page)

        way = [at(0.5 + 0.04 * step, 0.5 + 0.08 * step) for step in range(6)]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": way[0]})
        for points in way[1:]:
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(page.get_by_role("button", name="mask, corner 3 of 3: 70 % right, 90 % down")).to_be_attached()
        assert page.evaluate("scrollY") == 0


def test_without_a_camera_a_devices_own_console_says_what_a_person_can_do_elsewhere(
    browser: Browser, address: str, world: MadeConsole
) -> None:
    world.has_cameras = False
    with visiting(browser, address, "live") as page:
        expect(page.get_by_text("`smartcam cameras find > cameras.yaml` only finds them")).to_be_visible()
        world.has_cameras = True
        expect(page.get_by_role("link", name="Only yard")).to_be_visible()


def test_names_that_look_like_markup_are_names(browser: Browser, address: str) -> None:
    with visiting(browser, address, "events") as page:
        expect(page.get_by_role("option", name=STRANGE).last).to_contain_text("still on")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text(STRANGE)
        page.goto(f"{address}#/draw/gate")
        expect(page.get_by_role("button", name=STRANGE, exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="constructor", exact=True)).to_be_visible()


@pytest.mark.parametrize("place", ["constructor", "draw/nobody", "live/%", "events/%3Cb%3E"])
def test_an_address_that_leads_nowhere_leads_somewhere(browser: Browser, address: str, place: str) -> None:
    with visiting(browser, address, place) as page:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
