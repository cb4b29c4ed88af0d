"""The first use on a PC, as a person goes through it: from no camera to a deployment."""

import json
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.names import GROUP
from standins.cloud.endpoint import ACCOUNT, REGION
from standins.cloud.local_cloud import LocalCloud
from standins.greengrass_api.components import ComponentCatalogue
from standins.greengrass_api.plane import ControlPlane
from standins.greengrass_api.server import serving as serving_api
from tests.browser.conftest import patient
from tests.clips import moving_square, write_clip
from tests.fakes.console_server import MadeConsole, serving
from tests.fakes.fleet import digest_in, small_build
from tests.waiting import PATIENCE_S
from tools import setup
from tools.console import ordering, wizard
from tools.console.ordering import FirstOrder, WizardCommand
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
    setup.setup_console(say=lambda _: None, home=setup.PC_CONSOLE)
    made = Wizard(lambda: (text, ("192.0.2.9: it wants a login",)), tmp_path / "setup", "word", setup.setup_cloud)
    with serving(MadeConsole(has_cameras=False, more=made.routes())) as address:
        context = patient(browser.new_context(locale="en-GB", timezone_id="Europe/Berlin"))
        there = context.new_page()
        faults: list[str] = []
        there.on("pageerror", lambda error: faults.append(str(error)))
        there.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        there.goto(f"{address}#/setup/word")
        yield there
        context.close()
    made.close()
    assert [fault for fault in faults if NOISE not in fault] == []


def step(code: str) -> WizardCommand:
    return WizardCommand((sys.executable, "-c", code), f"$ {shlex.join(('python', code))}", {})


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Mapping[str, str]]:
    """The contexts that were deployed with: nothing else here is AWS's."""
    found: list[Mapping[str, str]] = []

    def deployed(order: FirstOrder, _: Callable[[], Toolchain]) -> Iterator[str | WizardCommand]:
        found.append(order.context)
        assert order.text.startswith("smartcam.Capture")
        yield step("print('the cloud side is there')")

    monkeypatch.setattr(ordering, "BUILD", small_build(tmp_path).folder)
    monkeypatch.setattr(wizard, "planned", lambda _: iter(["told of alerts: somebody", step("print('+ the suite')")]))
    monkeypatch.setattr(wizard, "deployed", deployed)
    return found


def test_a_person_finds_cameras_sees_them_names_who_is_told_and_deploys_with_a_last_yes(
    page: Page, done: list[Mapping[str, str]], text: str
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


def test_what_is_changed_while_a_plan_is_made_makes_it_void(
    page: Page, done: list[Mapping[str, str]], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()

    def planned(_: FirstOrder) -> Iterator[str]:
        yield "told of alerts: anna@example.org"
        may_end.wait(PATIENCE_S)

    monkeypatch.setattr(wizard, "planned", planned)
    page.get_by_label("cameras.yaml").fill(text)
    page.get_by_label("E-mail addresses").fill("anna@example.org")
    page.get_by_role("button", name="Check, and show").click()
    expect(page.locator("pre")).to_contain_text("anna@example.org")
    page.get_by_label("E-mail addresses").fill("bert@example.org")
    may_end.set()
    expect(page.locator("pre")).not_to_be_attached()
    expect(page.get_by_role("button", name="Yes, do all this")).not_to_be_attached()
    assert done == []


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


def test_who_does_not_know_the_word_is_sent_to_the_terminal(page: Page) -> None:
    address = page.url.partition("#")[0]
    for place in ("live", "setup"):
        # A tab of its own: where only what follows the # differs, the page that knows the word would go on.
        stranger = page.context.new_page()
        stranger.goto(f"{address}#/{place}")
        expect(stranger.get_by_text("Go on at the address for this")).to_be_visible()
        expect(stranger.get_by_role("button", name="Look for cameras")).not_to_be_attached()


def test_axe_finds_nothing_serious_in_the_wizard_and_it_fits_a_phone(page: Page, axe: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(({violations}) => violations)")
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("设置")


BUCKET = "artifacts-of-a-first-use"
FLEET = {
    "Resources": {
        "Group": {"Type": "AWS::IoT::ThingGroup", "Properties": {"ThingGroupName": GROUP}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}},
    },
    "Outputs": {"ArtifactBucketName": {"Value": BUCKET}},
}
"""Of the fleet's stack, what the local cloud knows: no role alias."""
WITHOUT_FLEET = (
    "import os, sys; words = [each for each in sys.argv[1:] if each != 'SmartcamFleet']; os.execv(words[0], words)"
)


@pytest.fixture
def in_the_local_cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalCloud]:
    """This process's AWS is the local cloud, with the fleet's stack; the CDK CLI is asked for the alerting alone."""
    tools = setup.setup_cloud(say=lambda _: None)
    without_fleet = (sys.executable, "-c", WITHOUT_FLEET, *tools.cdk)
    monkeypatch.setattr(setup, "setup_cloud", lambda: replace(tools, cdk=without_fleet))
    monkeypatch.setattr(ordering, "BUILD", small_build(tmp_path).folder)
    with LocalCloud(tmp_path / "cloud", tools) as cloud:
        cloud.client("cloudformation").create_stack(StackName=ordering.FLEET, TemplateBody=json.dumps(FLEET))
        storage = cloud.client("s3")
        shelf = ComponentCatalogue(lambda bucket, key: digest_in(storage, bucket, key), REGION, ACCOUNT)
        with serving_api(ControlPlane(shelf, lambda _: [], lambda *_: None, REGION).handle) as url:
            for name, value in {**cloud.environment(), "AWS_ENDPOINT_URL_GREENGRASSV2": url}.items():
                monkeypatch.setenv(name, value)
            yield cloud


@pytest.mark.soak
@pytest.mark.cloud
def test_against_the_local_cloud_the_real_verbs_and_the_cdk_do_what_was_agreed_to(
    in_the_local_cloud: LocalCloud, page: Page, text: str
) -> None:
    expect.set_options(timeout=300_000)
    page.get_by_label("cameras.yaml").fill(text)
    page.get_by_label("E-mail addresses").fill("anna@example.org")
    page.get_by_role("button", name="Check, and show").click()
    page.get_by_role("button", name="Yes, do all this").click()
    expect(
        page.get_by_role("status").filter(has_text="Done.").or_(page.get_by_text("the last lines say why"))
    ).to_be_visible()
    lines = page.locator("pre").inner_text()
    assert "has no things; those that join will get it" in lines, lines
    assert "each e-mail address gets a message from SNS" in lines
    in_the_local_cloud.confirm_subscriptions(at_least=1)
    page.get_by_label("E-mail addresses").fill("ben@example.org")
    page.get_by_role("button", name="Check, and show").click()
    expect(page.get_by_role("status").filter(has_text="Nothing has been sent yet.")).to_be_visible()
    again = page.locator("pre").inner_text()
    assert "told no more: anna@example.org" in again
    assert "nothing changes" in again
