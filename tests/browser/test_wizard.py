"""The first use on a PC, as a person goes through it: from no camera to a deployment."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clips import moving_square, write_clip
from tests.fakes.console_server import MadeConsole, serving
from tests.fakes.fleet import small_build
from tools.console import ordering, wizard
from tools.console.ordering import FirstOrder, Step
from tools.console.wizard import Wizard
from tools.setup import Toolchain

NOISE = "Failed to load resource"


def configuration(clip: Path) -> str:
    return f"smartcam.Capture:\n  cameras:\n    yard: {{source: file, path: {clip}}}\n"


@pytest.fixture
def text(tmp_path: Path) -> str:
    return configuration(write_clip(tmp_path / "yard.mp4", list(moving_square())))


@pytest.fixture
def page(browser: Browser, console_page: Path, tmp_path: Path, text: str) -> Iterator[Page]:
    """A person's browser at a console on a PC, of which no device is known yet."""
    assert (console_page / "index.html").is_file()
    made = Wizard(lambda: (text, ("192.0.2.9: it wants a login",)), tmp_path / "setup", no_tools)
    with serving(MadeConsole(has_cameras=False, more=made.routes())) as address:
        context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin")
        there = context.new_page()
        faults: list[str] = []
        there.on("pageerror", lambda error: faults.append(str(error)))
        there.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        there.goto(f"{address}#/setup")
        yield there
        context.close()
    made.close()
    assert [fault for fault in faults if NOISE not in fault] == []


def no_tools() -> Toolchain:
    return Toolchain(Path(sys.executable), (sys.executable,), Path(sys.executable))


def step(code: str) -> Step:
    return Step((sys.executable, "-c", code), f"$ {shlex.join(('python', code))}", {})


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Mapping[str, str]]:
    """The contexts that were deployed with: nothing else here is AWS's."""
    found: list[Mapping[str, str]] = []

    def deployed(order: FirstOrder, _toolchain: Toolchain | None) -> Iterator[str | Step]:
        found.append(order.context)
        yield step("print('the cloud side is there')")

    monkeypatch.setattr(ordering, "BUILD", small_build(tmp_path).folder)
    monkeypatch.setattr(wizard, "planned", lambda _: iter(["told of alerts: somebody", step("print('+ the suite')")]))
    monkeypatch.setattr(wizard, "deployed", deployed)
    return found


def test_a_person_finds_cameras_sees_them_names_who_is_told_and_deploys_with_a_last_yes(
    page: Page, done: list[Mapping[str, str]], tmp_path: Path, text: str
) -> None:
    page.get_by_role("button", name="Look for cameras").click()
    expect(page.get_by_text("it wants a login")).to_be_visible()
    expect(page.get_by_label("cameras.yaml")).to_have_value(text)
    page.get_by_role("button", name="Show the pictures").click()
    picture = page.get_by_role("img", name="What yard sees")
    page.wait_for_function("image => image.naturalWidth === 320", arg=picture.element_handle())
    page.get_by_label("E-mail addresses").fill("anna")
    page.get_by_role("button", name="Check, and show").click()
    expect(page.get_by_role("alert")).to_contain_text("email = 'anna': give an address such as")
    page.get_by_label("E-mail addresses").fill("anna@example.org")
    page.get_by_role("button", name="Check, and show").click()
    yes = page.get_by_role("button", name="Yes, do all this")
    expect(yes).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Nothing has been sent yet.")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("+ the suite")
    # It was a plan for somebody else.
    page.get_by_label("Telephone numbers").fill("+441632960001")
    expect(yes).not_to_be_visible()
    assert done == []
    page.get_by_role("button", name="Check, and show").click()
    yes.click()
    expect(page.get_by_role("status").filter(has_text="Done.")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("the cloud side is there")
    (context,) = done
    assert (context["email"], context["phone"]) == ("anna@example.org", "+441632960001")
    assert (context["time_zone"], context["language"]) == ("Europe/Berlin", "en")
    assert (tmp_path / "setup" / "cameras.yaml").read_text() == text


def test_what_goes_wrong_is_shown_and_a_person_can_stop_what_hangs(
    page: Page, done: list[Mapping[str, str]], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.get_by_label("cameras.yaml").fill(text.replace("yard.mp4", "gone.mp4"))
    page.get_by_role("button", name="Show the pictures").click()
    expect(page.get_by_role("alert")).to_contain_text("gone.mp4")
    page.get_by_label("Set up the cloud side").uncheck()
    monkeypatch.setattr(wizard, "planned", lambda _: iter([step("raise SystemExit('no such account')")]))
    page.get_by_role("button", name="Check, and show").click()
    expect(page.locator("pre")).to_contain_text("no such account")
    expect(page.get_by_role("status").filter(has_text="the last lines say why")).to_be_visible()
    monkeypatch.setattr(wizard, "planned", lambda _: iter([step("import time; time.sleep(600)")]))
    page.get_by_role("button", name="Check, and show").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("pre")).to_contain_text("stopped: AWS finishes what has begun there")
    assert done == []


def test_axe_finds_nothing_serious_in_the_wizard_and_it_fits_a_phone(page: Page, axe: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(({violations}) => violations)")
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("设置")
