"""`smartcam alerts devices`: list the devices, choose whose silence raises no alarm, revoke one that was stolen."""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.guards import DynamoGuards
from infra.fleet.runtime.aws import DynamoRegistry
from infra.fleet.runtime.device import NEVER, Device, KnownCamera
from infra.fleet.runtime.ports import ChangedMeanwhile, Registry
from smartcam.contract.errors import ContractError, SmartcamError
from smartcam.contract.health import SceneHealth, SceneStage
from smartcam.contract.ids import CameraId, ThingName, camera_id, thing_name
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc
from smartcam.contract.wanted import Arming
from tools.alerts.revoking import Revoking
from tools.alerts.stack import FAULTS, find_site
from tools.alerts.tail import seconds
from tools.command_line import complain, new_parser
from tools.recipes.keys import nearest

_TRIES: Final = 5
Change = Callable[[Device], Device]


class UnknownCameraError(SmartcamError):
    """A camera that a device does not have: which it has."""


def having(device: Device, camera: CameraId | None) -> Device:
    """The device, if it has this camera. Raises UnknownCameraError."""
    known = [one.camera_id for one in device.cameras]
    if camera is not None and camera not in known:
        raise UnknownCameraError(f"{device.thing} has no camera {camera}{nearest(camera, known) if known else ''}")
    return device


def status(device: Device, now: UtcNs) -> str:
    """One word for how it is."""
    if device.retired:
        return "retired"
    if now < device.paused_until:
        return f"paused until {format_utc(device.paused_until)}"
    if device.outage is not None and device.outage.is_open:
        return "silent"
    return "offline" if device.is_offline else str(device.state)


def wish_text(wish: Arming) -> str:
    """What is wanted, in words."""
    word = "armed" if wish.armed else "disarmed"
    return f"{word} until {format_utc(wish.until)}" if wish.until is not None else f"{word} until that is changed"


def _arming(device: Device, now: UtcNs) -> str:
    """What people want of it, where the configuration does not decide alone, and whether it knows."""
    left = device.wanted.at(now)
    wishes = [("all cameras", left.device), *sorted(left.cameras.items())]
    said = ", ".join(f"{name} {wish_text(wish)}" for name, wish in wishes if wish is not None)
    if (device.wanted_revision or 0) >= device.wanted.revision:
        return f"; wanted: {said}" if said else ""
    return f"; wanted, but it does not know yet: {said or 'as configured'}"


def scene_text(scene: SceneHealth) -> str:
    """How far a camera is with learning what is normal, in words."""
    watched = f"{math.floor(scene.hours)} h of {math.ceil(scene.of_hours)} h watched"
    if scene.stage is not SceneStage.WATCHING:
        return f"{scene.stage}, {watched}"
    if scene.drift:
        return "watching, but it raises more than it promised"
    if scene.hours < scene.of_hours:
        return f"watching, {watched} until {_budget_text(scene.budget)} can be promised"
    return f"watching, {_budget_text(scene.budget)} kept"


def _budget_text(a_day: float) -> str:
    if a_day == 1:
        return "one a day"
    return f"one in {1 / a_day:.3g} days" if 0 < a_day < 1 else f"{a_day:.3g} a day"


def _camera_text(one: KnownCamera, device: Device) -> str:
    words = [one.camera_id, "retired" if one.camera_id in device.retired_cameras else str(one.condition)]
    words += ["disarmed"] if one.armed is False else []
    words += ["collecting footage"] if one.collects_footage else []
    words += [f"({scene_text(one.scene)})"] if one.scene is not None else []
    return " ".join(words)


def row(device: Device, now: UtcNs) -> str:
    """A device in one line."""
    ago_s = max(0, now - device.heard_at) // NS_PER_S
    cameras = ", ".join(_camera_text(one, device) for one in device.cameras)
    number = "an unknown number of" if device.events_waiting is None else device.events_waiting
    waiting = f", {number} events waiting" if number else ""
    runs = f", version {device.version}" if device.version else ""
    if device.capture_version not in {"", device.version}:
        runs += f" (capture {device.capture_version})"
    runs += f", model {device.model}" if device.model else ""
    line = f"{device.thing}: {status(device, now)}, heard {ago_s} s ago{runs}{waiting}; {cameras or 'no cameras'}"
    line += _arming(device, now)
    if device.release_refused:
        line += f"; refuses the release {device.release_refused}"
    if device.bundle_refused:
        line += f"; refuses its new bundle ({device.bundle_refused}), goes on with {device.model or 'none'}"
    if device.configuration_refused:
        line += f"; refuses its configuration ({device.configuration_refused})"
    return line


def change(registry: Registry, thing: ThingName, how: Change) -> Device | None:
    """Change what is stored about a device, even while others do; None where it was never heard from."""
    for _ in range(_TRIES):
        device = registry.device(thing)
        if device is None:
            return None
        try:
            changed = how(device)
            return device if changed is device else registry.save(changed)
        except ChangedMeanwhile:
            continue
    raise ChangedMeanwhile(f"{thing} keeps being changed by others: try again")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("alerts devices", __doc__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    verbs.add_parser("list", help="every device and its cameras (the default)")
    pause = verbs.add_parser("pause", help="raise no alarm about its silence for a while: a planned stop")
    pause.add_argument("--for", type=seconds, required=True, dest="seconds", metavar="TIME", help="90s, 15m, 2h or 1d")
    retire = verbs.add_parser("retire", help="raise no more alarms about its silence, or that of one camera")
    revoke = verbs.add_parser("revoke", help="take nothing more of it: its certificates end, nobody is told of it")
    reinstate = verbs.add_parser("reinstate", help="watch it again, end a pause, take a revocation back")
    for verb in (pause, retire, revoke, reinstate):
        verb.add_argument("--thing", required=True, help="the device's name")
    for verb in (retire, reinstate):
        verb.add_argument("--camera", help="only this camera of it")
    return parser


def _change_of(options: argparse.Namespace, now: UtcNs) -> Change:
    if options.verb == "pause":
        until = UtcNs(now + options.seconds * NS_PER_S)
        return lambda device: device.paused(until)
    camera = None if options.camera is None else camera_id(options.camera)
    if options.verb == "retire":
        return lambda device: having(device, camera).with_retirement(retired=True, camera=camera)
    return lambda device: device.paused(NEVER).with_retirement(retired=False, camera=camera)


def main(argv: Sequence[str]) -> int:
    """List, or change one device."""
    options = _parser().parse_args(argv)
    try:
        site = find_site()
        table = Table(site.client("dynamodb"), site.output("TableName"))
        revoking = Revoking(DynamoGuards(table), site.client("iot"))
        return run(options, DynamoRegistry(table), UtcNs(time.time_ns()), revoking)
    except FAULTS as error:
        return complain("alerts", error)


def unheard(thing: str, registry: Registry) -> str:
    """Why a thing cannot be changed of which no device has spoken, with the one that was meant."""
    things = [one.thing for one in registry.devices()]
    return f"nothing was ever heard from {thing}{nearest(thing, things) if things else ''}"


def _revoke(thing: ThingName, registry: Registry, revoking: Revoking) -> int:
    """Revoke, and complain of a name that nobody knows: whoever mistypes it must not believe that a flood has ended."""
    print(revoking.revoke(thing))
    if registry.device(thing) is not None or revoking.is_known(thing):
        return 0
    remedy = f"if it was another: smartcam alerts devices reinstate --thing {thing}"
    return complain("alerts", f"{unheard(thing, registry)}; {remedy}")


def run(options: argparse.Namespace, registry: Registry, now: UtcNs, revoking: Revoking) -> int:
    """What `main` does with a registry, and a way to revoke."""
    if options.verb in {None, "list"}:
        revoked = revoking.revocations.is_revoked
        rows = [row(device, now) + ("; revoked" if revoked(device.thing) else "") for device in registry.devices()]
        print("\n".join(rows or ["no device has been heard from"]))
        return 0
    try:
        thing, taken_again = thing_name(options.thing), None
        if options.verb == "revoke":
            return _revoke(thing, registry, revoking)
        if options.verb == "reinstate" and options.camera is None:
            taken_again = revoking.reinstate(thing)
        changed = change(registry, thing, _change_of(options, now))
    except (ContractError, UnknownCameraError, ChangedMeanwhile) as error:
        return complain("alerts", error)
    if taken_again is not None:
        print(taken_again)
    if changed is None:
        return 0 if taken_again is not None else complain("alerts", unheard(options.thing, registry))
    print(row(changed, now))
    return 0
