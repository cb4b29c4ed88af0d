"""`smartcam-doctor`: checks everything that the components rely on and says what is wrong.

As the component smartcam.Doctor it takes the cameras from its configuration, writes its findings to its log, and ends.
By hand it takes what the components on this device use (docs/doctor.md).
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import cv2

from smartcam.capture.sources.opening import open_source
from smartcam.contract.errors import BusError, ContractError, SettingsError
from smartcam.contract.ids import thing_name
from smartcam.contract.reading import Fields, parse_object
from smartcam.doctor.cloud import PORT, Identity, check_certificate, check_iot_core
from smartcam.doctor.finding import Finding, State, as_json, as_text, exit_code
from smartcam.doctor.machine import check_clock, check_disk, check_packages, check_replaced, check_shared_memory
from smartcam.doctor.nucleus import check_cloud, check_topics
from smartcam.doctor.settings import INFERENCE, MODEL, RUNTIME, DoctorSettings, read_settings, read_understood
from smartcam.doctor.sight import check_camera, check_model
from smartcam.edge.arguments import number, whole
from smartcam.edge.bundle_names import DEFAULT_BUNDLE, bundle_folder
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.bus.port import Bus, ConfigurationSource
from smartcam.edge.clock import SystemClock
from smartcam.edge.command_line import THING_VARIABLE
from smartcam.edge.document import DocumentError, read_document
from smartcam.edge.ring.sealed import DEFAULT_FOLDER, FOLDER_VARIABLE
from smartcam.edge.self_test import run_self_test
from smartcam.edge.standard_output import printed

_LONGEST_PATH = 4096
_USUAL_WORK = "/var/lib/greengrass/work"


def findings_of(options: argparse.Namespace, bus: Bus | None, without: str = "") -> Iterator[Finding]:
    """The findings, one after the other; `without` says why there is no bus."""
    clock = SystemClock()
    yield check_packages()
    yield check_shared_memory(Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER))
    yield check_disk(options.work)
    yield check_clock(clock)
    if options.device is not None and not options.device.is_dir():
        said = f"{options.device}: there is no such folder; name a nucleus's work folder, such as {_USUAL_WORK}"
        yield Finding("device", State.FAULT, said)
        options.device = None
    # As a component it runs in its own work folder.
    work: Path | None = options.device or (None if bus is None else Path.cwd().parent)
    if work is not None:
        yield check_replaced(work, clock.utc())
    try:
        settings = _settings(options, bus)
    except (DocumentError, SettingsError, BusError) as error:
        yield Finding("configuration", State.FAULT, str(error))
        settings = DoctorSettings()
    yield from _models(settings, options.bundle)
    yield from _cameras(settings, options.seconds, clock)
    if bus is None:
        said = f"{without}; deploy smartcam.Doctor to check the topics and the connection to the cloud"
        yield Finding("nucleus", State.SKIPPED, said)
    else:
        yield from _nucleus(bus)
    yield from _cloud(options.nucleus_config, options.port)


def _settings(options: argparse.Namespace, bus: ConfigurationSource | None) -> DoctorSettings:
    """Raises DocumentError, SettingsError or BusError if the document is not available or cannot be read."""
    if options.cameras is not None:
        return read_settings(read_document(options.cameras))
    if bus is not None:
        return read_settings(bus.configuration())
    return DoctorSettings() if options.device is None else read_understood(options.device)


def _models(settings: DoctorSettings, released: Path | None) -> Iterator[Finding]:
    for name, said in {DEFAULT_BUNDLE: None, **settings.bundles}.items():
        finding = "model" if name == DEFAULT_BUNDLE else f"model {name}"
        folder = bundle_folder(name, said, released)
        if folder is None:
            yield Finding(finding, State.SKIPPED, "name its folder with --bundle")
        else:
            yield check_model(folder, settings.trusted_key, finding)


def _cameras(settings: DoctorSettings, seconds: float, clock: SystemClock) -> Iterator[Finding]:
    if settings.cameras is None:
        yield Finding("cameras", State.SKIPPED, "name smartcam.Capture's configuration, as JSON, with --cameras")
        return
    for camera in settings.cameras:
        yield check_camera(camera, lambda settings, stop: open_source(settings, clock, stop), seconds)
    if not settings.cameras:
        yield Finding("cameras", State.WARNING, "none is configured: copy smartcam.Capture:/cameras")


def _nucleus(bus: Bus) -> Iterator[Finding]:
    try:
        thing = thing_name(os.environ.get(THING_VARIABLE, ""), THING_VARIABLE)
        yield from check_topics(bus, thing)
        yield check_cloud(bus, thing)
    except ContractError as error:
        yield Finding("nucleus", State.FAULT, str(error))


def _cloud(config: Path | None, port: int) -> Iterator[Finding]:
    if config is None:
        yield Finding("IoT Core", State.SKIPPED, "name the nucleus's config.yaml with --nucleus-config (as root)")
        return
    try:
        identity = read_identity(parse_object(config.read_bytes(), "content"), port)
    except (OSError, ContractError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        said = f"{config}: {reason}; name the file of `smartcam provision`, and read it as root"
        yield Finding("IoT Core", State.FAULT, said)
        return
    yield check_certificate(identity)
    yield check_iot_core(identity)


def read_identity(document: Mapping[str, object], port: int = PORT) -> Identity:
    """The device's identity in the configuration that it was provisioned with.

    Raises:
        ContractError: naming the first field that is missing or wrong.
    """
    fields = Fields(document)
    system, services = fields.inner("system"), fields.inner("services")
    if len(services.document) != 1:
        raise ContractError("services", "must name one nucleus")
    [nucleus] = services.document
    return Identity(
        thing_name(system.text("thingName")),
        Path(system.text("certificateFilePath", _LONGEST_PATH)),
        Path(system.text("privateKeyPath", _LONGEST_PATH)),
        Path(system.text("rootCaPath", _LONGEST_PATH)),
        services.inner(nucleus).inner("configuration").text("iotDataEndpoint"),
        port,
    )


def _complete(options: argparse.Namespace) -> None:
    """Fill in what the device uses, where no option names something else."""
    used: Path | None = options.device
    if options.work is None:
        # Before inference is there: a folder of the same user on the same disk.
        folders = [] if used is None else [used / INFERENCE, used / RUNTIME, used]
        options.work = next((folder for folder in folders if folder.is_dir()), Path())
    if options.bundle is None and used is not None and (used / MODEL / "current").exists():
        options.bundle = used / MODEL / "current"


def main(argv: Sequence[str] | None = None) -> int:
    """Check and report. 0 if nothing is a fault, 1 otherwise, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="smartcam-doctor", description=__doc__)
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="the model bundle, with the others in it")
    parser.add_argument("--cameras", type=Path, metavar="JSON", help="smartcam.Capture's configuration document")
    parser.add_argument("--seconds", type=number(0.1, 3600), default=3.0, help="how long to read each camera (3)")
    parser.add_argument("--work", type=Path, help="folder in which events are stored (this one)")
    parser.add_argument(
        "--device", type=Path, metavar="FOLDER", help="a nucleus's work folder: check what is used there"
    )
    parser.add_argument("--nucleus-config", type=Path, metavar="FILE", help="what the device was provisioned with")
    parser.add_argument("--port", type=whole(1, 65_535), default=PORT, help=f"port of IoT Core ({PORT})")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--self-test", metavar="VERSION", help="prove that this is the given version, then exit")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    if options.self_test is not None:
        return run_self_test("smartcam.Doctor", options.self_test, ())
    _complete(options)
    with ExitStack() as stack:
        bus, without = None, ""
        try:
            bus = stack.enter_context(closing(GreengrassBus()))
        except BusError as error:
            without = str(error)
        findings = list(findings_of(options, bus, without))
    return printed(lambda: _said(findings, is_json=options.json))


def _said(findings: Sequence[Finding], *, is_json: bool) -> int:
    sys.stdout.write((as_json if is_json else as_text)(findings) + "\n")
    return exit_code(findings)


if __name__ == "__main__":
    sys.exit(main())
