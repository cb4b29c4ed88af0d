"""The component smartcam.HomeAssistant: off unless deployed, and as long as no broker is named."""

import os
import random
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from smartcam.contract.ids import ThingName, thing_name
from smartcam.contract.topics import ALL_SETTINGS, LOCAL_HEALTH
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.bus.port import DeviceBus
from smartcam.edge.clock import SystemClock
from smartcam.edge.command_line import THING_VARIABLE, run_simple_component
from smartcam.edge.history.reading import FOLDER as HISTORY_FOLDER
from smartcam.edge.history.reading import PastEvents
from smartcam.edge.lifecycle import Service, run_component
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.pictures.folder import ALBUM_FOLDER
from smartcam.edge.understood import FILE as UNDERSTOOD
from smartcam.edge.understood import Understood
from smartcam.edge.watchdog import last_resorts
from smartcam.homeassistant.arming import ArmingCommands
from smartcam.homeassistant.broker import Connect
from smartcam.homeassistant.following import FollowedEvents
from smartcam.homeassistant.heard import HeardHealth
from smartcam.homeassistant.kept import FILE as KEPT
from smartcam.homeassistant.kept import KeptByBroker
from smartcam.homeassistant.mqtt import PahoLine
from smartcam.homeassistant.service import HomeAssistantService, HomeDevice
from smartcam.homeassistant.settings import password_of, read_settings, tls_of

COMPONENT: Final = "smartcam.HomeAssistant"
INFERENCE: Final = "smartcam.Inference"


def build(bus: DeviceBus, thing: ThingName, work_folder: Path, connect: Connect = PahoLine) -> HomeAssistantService:
    """The component's service. The other components' work folders lie beside its own."""
    clock, inference = SystemClock(), work_folder.parent / INFERENCE
    device = HomeDevice(
        thing,
        HeardHealth(clock),
        FollowedEvents(PastEvents(inference / HISTORY_FOLDER, inference / ALBUM_FOLDER), clock),
        ArmingCommands(bus, clock, lambda: secrets.token_hex(8)),
        KeptByBroker(MemoryFile(work_folder / KEPT)),
    )
    bus.subscribe_local(LOCAL_HEALTH, device.heard.hear)
    bus.subscribe_local(ALL_SETTINGS, device.commands.hear_answer)
    understood = Understood(read_settings, MemoryFile(work_folder / UNDERSTOOD))
    return HomeAssistantService(bus, understood, device, connect, clock, random.random)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Returns the exit code: 0 after a signal, 1 for a fault, 2 for a wrong call or no nucleus."""
    return run_simple_component(COMPONENT, "Tell Home Assistant of cameras and events, over MQTT.", argv, _run, _plan)


def _run(bus: GreengrassBus) -> int:
    work_folder = Path.cwd()

    def services() -> list[tuple[str, Service]]:
        thing = thing_name(os.environ.get(THING_VARIABLE, ""), THING_VARIABLE)
        telling = build(bus, thing, work_folder)
        return [("homeassistant", telling), *last_resorts(bus, SystemClock(), work_folder)]

    return run_component(COMPONENT, services)


def _plan(document: Mapping[str, object]) -> str:
    settings = read_settings(document)
    password_of(settings)
    tls_of(settings)
    where = f"the broker is {settings.host} port {settings.port}" if settings.host else "no broker is named: off"
    return f"{where}; pictures {'go there' if settings.pictures else 'stay here'}"


if __name__ == "__main__":
    sys.exit(main())
