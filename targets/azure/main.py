"""The module smartcam: capture and inference in one process, each restarted by itself, on the edge hub."""

import argparse
import logging
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from smartcam.capture.main import build as build_capture
from smartcam.contract.errors import BusError, ContractError
from smartcam.contract.ids import CameraId, EventId, ThingName, thing_name
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import SystemClock
from smartcam.edge.command_line import ring_folder
from smartcam.edge.lifecycle import Service, run_component
from smartcam.edge.logs import LEVELS, configure_logging, log
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.one_instance import SecondInstance, only_instance
from smartcam.edge.outbox.outbox import Outbox
from smartcam.inference.main import OUTBOX_FILE, fresh_event_id
from smartcam.inference.main import build as build_inference
from smartcam.inference.sender import Sender
from targets.azure.alive import FILE as ALIVE_FILE
from targets.azure.alive import SignOfLife
from targets.azure.bus import Module, ModuleBus
from targets.azure.hub import DEVICE_VARIABLE, EdgeHub
from targets.azure.methods import answer, event_of_a_test
from targets.azure.port import MethodAnswer
from targets.azure.restarting import Restarting
from targets.azure.twin import CAPTURE, INFERENCE, Desired, report

logger = logging.getLogger(__name__)

PROG: Final = "smartcam-azure"
MODULE: Final = "smartcam.Azure"
BUNDLE_VARIABLE: Final = "SMARTCAM_BUNDLE"
_TWIN_FILE: Final = "twin"
_FOLDERS: Final = {CAPTURE: "smartcam.Capture", INFERENCE: "smartcam.Inference"}
"""As on a Greengrass device: inference finds capture's clips beside its own folder."""
_THIRD_PARTIES: Final = ("azure", "paho", "urllib3")


@dataclass(frozen=True, slots=True)
class Site:
    """Where the module keeps what it has, and what it analyses with."""

    thing: ThingName
    work: Path
    bundle: Path | None
    ring: Path

    def folder(self, section: str) -> Path:
        """The work folder of one component."""
        return self.work / _FOLDERS[section]


class SmartcamModule:
    """The module's parts: the connection to the hub, the two components and their outbox."""

    def __init__(self, site: Site, outbox: Outbox, environment: Mapping[str, str] = os.environ) -> None:
        """Raises BusRefused where the environment is not that of a module on IoT Edge."""
        self._site = site
        self._outbox = outbox
        self._clock = SystemClock()
        self._sender: Sender | None = None
        desired = Desired(MemoryFile(site.work / _TWIN_FILE))
        self.hub = EdgeHub(self._on_twin, self._on_method, environment)
        self.module = Module(self.hub, desired)
        self._buses = {section: ModuleBus(self.module, section) for section in _FOLDERS}
        self.hub.start()

    def services(self) -> list[tuple[str, Service]]:
        """What runs, by name; each of the two components is built again when it has failed."""
        return [
            (CAPTURE, Restarting(CAPTURE, self._capture, random.random, self._now)),
            (INFERENCE, Restarting(INFERENCE, self._inference, random.random, self._now)),
            ("alive", SignOfLife(self._site.work / ALIVE_FILE, self._now)),
        ]

    def close(self) -> None:
        """End the connection and the callbacks."""
        self.hub.close()
        for bus in self._buses.values():
            bus.close()

    def _capture(self) -> list[tuple[str, Service]]:
        return build_capture(self._buses[CAPTURE], self._site.ring, self._site.folder(CAPTURE))

    def _inference(self) -> list[tuple[str, Service]]:
        site = self._site
        services = build_inference(
            site.thing, site.bundle, site.ring, self._buses[INFERENCE], self._outbox, site.folder(INFERENCE)
        )
        self._sender = next(service for _, service in services if isinstance(service, Sender))
        return services

    def _on_twin(self, document: Mapping[str, object]) -> Mapping[str, object]:
        self.module.changed(self.module.desired.take(document))
        return report(document)

    def _on_method(self, name: str, payload: object) -> MethodAnswer:
        return answer(name, payload, self._raise_test)

    def _raise_test(self, camera: CameraId) -> EventId:
        now = self._clock.utc()
        event_id = fresh_event_id(now)
        synced = self._clock.synced()
        self._outbox.put(event_of_a_test(event_id, self._site.thing, camera, now, synced=synced))
        if self._sender is not None:
            self._sender.wake()
        return event_id

    def _now(self) -> float:
        return self._clock.monotonic() / NS_PER_S


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Returns the exit code: 0 after a signal, 1 for a fault, 2 for a wrong call or environment."""
    parser = argparse.ArgumentParser(prog=PROG, description="Smartcam as a module of Azure IoT Edge.")
    parser.add_argument("--work", type=Path, default=Path.cwd(), help="where events and settings are kept")
    bundle = os.environ.get(BUNDLE_VARIABLE)
    parser.add_argument(
        "--bundle",
        type=Path,
        default=Path(bundle) if bundle else None,
        help=f"folder of the model bundle; {BUNDLE_VARIABLE} names it too",
    )
    parser.add_argument("--log-level", default="INFO", choices=LEVELS)
    options = parser.parse_args(argv)
    configure_logging(options.log_level)
    for name in _THIRD_PARTIES:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # the hub's connection is reported in our own words
    cv2.setNumThreads(1)
    try:
        thing = thing_name(os.environ.get(DEVICE_VARIABLE, ""), DEVICE_VARIABLE)
        work = options.work.resolve()
        site = Site(thing, work, None if options.bundle is None else options.bundle.resolve(), ring_folder())
        with only_instance(MODULE, work):
            return _run(site)
    except (BusError, ContractError) as error:
        sys.stderr.write(f"{PROG}: {error}\n")
        return 2
    except SecondInstance as error:
        log(logger, logging.CRITICAL, "second_instance", error=error)
        return 1


def _run(site: Site) -> int:
    for section in _FOLDERS:
        site.folder(section).mkdir(mode=0o700, exist_ok=True)
    # Inference keeps its snapshots below the current folder.
    os.chdir(site.folder(INFERENCE))
    outbox = Outbox(site.folder(INFERENCE) / OUTBOX_FILE, SystemClock(), random=random.random)
    try:
        module = SmartcamModule(site, outbox)
        try:
            return run_component(MODULE, module.services)
        finally:
            module.close()
    finally:
        outbox.close()


if __name__ == "__main__":
    sys.exit(main())
