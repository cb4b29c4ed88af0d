"""The console's wishes reach their owner, and the answer comes back, by the recipes' rights, on both nuclei."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
import yaml

from smartcam.contract.errors import BusRefused
from smartcam.contract.ids import CameraId
from smartcam.contract.topics import ALL_SETTINGS, LOCAL_HEALTH, frames_topic, settings_topic, views_topic
from smartcam.contract.wish import (
    LARGEST_WISH_BYTES,
    Holding,
    LocalArming,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishMessage,
    decode_wish_message,
    encode_wish_message,
)
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.clock import SystemClock
from smartcam.edge.wish_desk import Wish, WishDesk
from smartcam.homeassistant.arming import ArmingCommands
from standins.nucleus.profile import PROFILES
from standins.nucleus.testbed import RunningNucleus, access_control, running_nucleus
from tests.fakes.bus import Hearing
from tools.command_line import ROOT

YARD = CameraId("yard")
COMPONENTS = {SettingsOwner.CAPTURE: "smartcam.Capture", SettingsOwner.INFERENCE: "smartcam.Inference"}
EVERYTHING = ["smartcam/settings/*"]


def rights(component: str) -> Mapping[str, object]:
    recipe = yaml.safe_load((ROOT / "recipes" / f"{component}.yaml").read_text())
    found: Mapping[str, object] = recipe["ComponentConfiguration"]["DefaultConfiguration"]["accessControl"]
    return found


class Device:
    def __init__(self, nucleus: RunningNucleus) -> None:
        owners = {owner: nucleus.add_component(name, rights(name)) for owner, name in COMPONENTS.items()}
        self.buses = {owner: GreengrassBus(environment) for owner, environment in owners.items()}
        self.desks = {owner: WishDesk(owner, bus, SystemClock()) for owner, bus in self.buses.items()}
        for desk in self.desks.values():
            desk.listen()
        everything = access_control(publish=EVERYTHING, subscribe=EVERYTHING)
        self.console = GreengrassBus(nucleus.add_component("smartcam.Console", everything))
        self.heard = Hearing()
        self.console.subscribe_local(ALL_SETTINGS, self.heard)

    def say(self, message: WishMessage) -> None:
        self.console.publish_local(settings_topic(message.camera_id), encode_wish_message(message))

    def waiting(self, owner: SettingsOwner) -> list[Wish]:
        deadline = time.monotonic() + 60
        while not (found := self.desks[owner].waiting()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def close(self) -> None:
        for bus in (self.console, *self.buses.values()):
            bus.close()


@pytest.fixture(params=sorted(PROFILES))
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    with running_nucleus(profile=PROFILES[request.param]) as nucleus:
        device = Device(nucleus)
        yield device
        device.close()


def test_each_owner_hears_its_own_and_the_console_hears_the_answer_however_large_and_of_whatever_place(
    device: Device,
) -> None:
    for owner in SettingsOwner:
        wish = SettingsWish(f"of {owner}", YARD, owner, {})
        device.say(wish)
        assert device.waiting(owner) == [wish]
        device.desks[owner].answer(WishAnswer(wish.id, YARD, owner, applied=True))
    said = [decode_wish_message(payload) for _, payload in device.heard.wait(4)]
    assert [one.id for one in said if isinstance(one, WishAnswer)] == ["of capture", "of inference"]
    arming = LocalArming("1", None, armed=False)
    device.say(arming)
    assert device.waiting(SettingsOwner.INFERENCE) == [arming]
    assert device.desks[SettingsOwner.CAPTURE].waiting() == []
    large = largest_answer()
    device.desks[SettingsOwner.INFERENCE].answer(large)
    assert decode_wish_message(device.heard.wait(6)[-1][1]) == large


@pytest.fixture(params=sorted(PROFILES))
def home(request: pytest.FixtureRequest) -> Iterator[tuple[Device, GreengrassBus]]:
    """A device with the component of Home Assistant, which has the rights of its recipe and no others."""
    with running_nucleus(profile=PROFILES[request.param]) as nucleus:
        device = Device(nucleus)
        bus = GreengrassBus(nucleus.add_component("smartcam.HomeAssistant", rights("smartcam.HomeAssistant")))
        yield device, bus
        bus.close()
        device.close()


def test_home_assistants_component_hears_health_and_arms_and_may_do_nothing_else(
    home: tuple[Device, GreengrassBus],
) -> None:
    device, bus = home
    heard = Hearing()
    bus.subscribe_local(LOCAL_HEALTH, heard)
    inference = device.buses[SettingsOwner.INFERENCE]
    deadline = time.monotonic() + 60
    while not heard.messages and time.monotonic() < deadline:
        inference.publish_local(LOCAL_HEALTH, b"how it is")
        time.sleep(0.02)
    assert heard.messages[0][1] == b"how it is"
    commands = ArmingCommands(bus, SystemClock(), iter(["1", "2"]).__next__)
    commands.listen({"all": None, "yard": YARD})
    for place, camera in (("all", None), ("yard", YARD)):
        commands.hear(place, b"OFF")
        commands.step()
        (wish,) = device.waiting(SettingsOwner.INFERENCE)
        assert isinstance(wish, LocalArming)
        assert (wish.camera_id, wish.armed) == (camera, False)
    for topic in (frames_topic(YARD), views_topic(YARD), LOCAL_HEALTH):
        with pytest.raises(BusRefused):
            bus.publish_local(topic, b"")


def largest_answer() -> WishAnswer:
    empty = WishAnswer("1", YARD, SettingsOwner.INFERENCE, applied=True, holds=Holding("r", {"zones": ""}))
    room = LARGEST_WISH_BYTES - len(encode_wish_message(empty))
    return replace(empty, holds=Holding("r", {"zones": "x" * room}))
