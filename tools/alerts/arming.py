"""`smartcam arm` and `smartcam disarm`: whether what a device's cameras see raises events, for a time or for good."""

import argparse
import time
from collections.abc import Sequence

from infra.alerts.runtime.aws.dynamo import Table
from infra.fleet.runtime.aws import DynamoRegistry, IotAnswers
from infra.fleet.runtime.device import Device
from infra.fleet.runtime.ports import Answers, ChangedMeanwhile, NotAnswered, Registry
from smartcam.contract.errors import ContractError, SmartcamError
from smartcam.contract.ids import CameraId, ThingName, camera_id, thing_name
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import Arming
from tools.alerts.devices import UnknownCameraError, change, having, unheard, wish_text
from tools.alerts.stack import FAULTS, find_site
from tools.alerts.tail import seconds
from tools.command_line import complain, new_parser


class ArmingError(SmartcamError):
    """A wish that no device can take: why, and the remedy."""


def arm(argv: Sequence[str]) -> int:
    """Arm a device or a camera; 0, 1 where that is not possible."""
    return _main("arm", argv)


def disarm(argv: Sequence[str]) -> int:
    """Disarm a device or a camera; 0, 1 where that is not possible."""
    return _main("disarm", argv)


def parser_of(verb: str) -> argparse.ArgumentParser:
    """The arguments, which are those of both verbs."""
    said = "raise events again" if verb == "arm" else "raise no events"
    parser = new_parser(verb, f": {said} about what is seen; tampering and lost cameras are reported either way.")
    parser.add_argument("place", metavar="THING[/CAMERA]", help="a device, or one of its cameras")
    parser.add_argument(
        "--for",
        type=seconds,
        dest="seconds",
        metavar="TIME",
        help="90s, 15m, 2h or 1d, and then as the configuration says (until somebody changes it)",
    )
    return parser


def _main(verb: str, argv: Sequence[str]) -> int:
    options = parser_of(verb).parse_args(argv)
    try:
        place_of(options.place)
        site = find_site()
        registry = DynamoRegistry(Table(site.client("dynamodb"), site.output("TableName")))
        return run(verb, options, registry, IotAnswers(site.client("iot-data")), UtcNs(time.time_ns()))
    except (ContractError, *FAULTS) as error:
        return complain(verb, error)


def place_of(text: str) -> tuple[ThingName, CameraId | None]:
    """What THING[/CAMERA] names. Raises ContractError where nothing can be named so."""
    name, slash, rest = text.partition("/")
    return thing_name(name, "THING"), camera_id(rest, "CAMERA") if slash else None


def run(verb: str, options: argparse.Namespace, registry: Registry, answers: Answers, now: UtcNs) -> int:
    """What a verb does with a registry and a way to the devices."""
    until = None if options.seconds is None else UtcNs(now + options.seconds * NS_PER_S)
    wish = Arming(armed=verb == "arm", until=until)
    try:
        thing, camera = place_of(options.place)
        device = change(registry, thing, lambda found: _able(found, camera).wanting(camera, wish, now))
    except (ArmingError, UnknownCameraError, ContractError, ChangedMeanwhile) as error:
        return complain(verb, error)
    if device is None:
        return complain(verb, unheard(thing, registry))
    print(f"{options.place}: {wish_text(wish)}")
    print(told(device, answers, now))
    return 0


def _able(device: Device, camera: CameraId | None) -> Device:
    """The device, if it can take a wish about this camera. Raises ArmingError."""
    having(device, camera)
    if device.wanted_revision is None:
        version = device.version or "an old release"
        raise ArmingError(f"{device.thing} runs {version}, which takes no wishes; remedy: deploy this release to it")
    return device


def told(device: Device, answers: Answers, now: UtcNs) -> str:
    """Tell the device, and say what will become of that."""
    answer = device.answer(now)
    if answer is None:
        return f"{device.thing} knows already"
    heard = f"it was heard {max(0, now - device.heard_at) // NS_PER_S} s ago"
    try:
        answers.send(device.thing, answer)
    except NotAnswered as error:
        return f"{device.thing} could not be told now ({error}); {heard}, and is told at its next sign of life"
    if device.is_offline:
        return f"{device.thing} is offline: {heard}, and is told when it is back"
    return f"{device.thing} is told now, and again at its next sign of life if that does not reach it; {heard}"
