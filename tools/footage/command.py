"""`smartcam footage`: see which footage a device has collected, and bring it here for training."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, camera_id
from smartcam.edge.arguments import whole
from tools.command_line import Verbs, complain, new_parser, run_verb, say
from tools.footage.device import WORK_FOLDERS, DeviceFootage, Listed, device_footage
from tools.footage.fetching import Fetched, Wish, check_room, fetch
from tools.local.host import HostError, Ssh
from tools.model.progress import ProgressLine, amount

_SECTIONS: Final[Mapping[str, Verbs]] = {
    "": {
        "list": ("tools.footage.command:list_footage", "what a device has, by camera"),
        "fetch": ("tools.footage.command:fetch_footage", "bring it into a folder; what is there already is left out"),
    }
}
_MOST_MB: Final = 20_000
_INTERRUPTED: Final = 130


def main(argv: list[str]) -> int:
    """Run one of the verbs. Returns its exit code."""
    return run_verb("smartcam footage", _SECTIONS, argv)


def list_footage(argv: list[str]) -> int:
    """`smartcam footage list`: which footage a device has, by camera.

    Returns 0, or 2 when the device cannot be asked.
    """
    parser = _parser("list", list_footage.__doc__)
    arguments = parser.parse_args(argv)
    try:
        with device_footage(_host(arguments), _work(arguments)) as device:
            for line in table([one for one in device.files if _wish(arguments).takes(one)]):
                say(line)
            _say_what_is_not_listed(device)
    except HostError as error:
        return complain("footage list", error, 2)
    return 0


def fetch_footage(argv: list[str]) -> int:
    """`smartcam footage fetch`: bring a device's footage into a folder, through your own ssh.

    Returns 0; 1 when something else lies here under a segment's name; 2 when not everything came; 130 when interrupted.
    """
    parser = _parser("fetch", fetch_footage.__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder here; one for each device")
    parser.add_argument("--remove", action="store_true", help="delete on the device what is here, byte for byte")
    parser.add_argument(
        "--most-mb", type=whole(1), default=_MOST_MB, metavar="MB", help=f"fetch nothing if it is more ({_MOST_MB})"
    )
    arguments = parser.parse_args(argv)
    shown = ProgressLine(sys.stdout)
    try:
        arguments.out.mkdir(mode=0o700, parents=True, exist_ok=True)
        with device_footage(_host(arguments), _work(arguments)) as device:
            wanted = [one for one in device.files if _wish(arguments).takes(one)]
            check_room(wanted, arguments.out, arguments.most_mb)
            fetched = fetch(device, wanted, arguments.out, remove=arguments.remove, tell=shown)
            shown.end()
            return _report(device, fetched, arguments.out)
    except (HostError, OSError) as error:
        shown.end()
        return complain("footage fetch", f"{error}; what has come stays, and the same command goes on", 2)
    except KeyboardInterrupt:
        shown.end()
        return complain("footage fetch", "what has come stays, and the same command goes on", _INTERRUPTED)


def table(files: list[Listed]) -> list[str]:
    """A line for each camera: segments, bytes, and from when to when they begin."""
    by_camera: defaultdict[CameraId, list[Listed]] = defaultdict(list)
    for one in files:
        by_camera[one.name.camera].append(one)
    lines = []
    for camera, own in sorted(by_camera.items()):
        dated = [one.name.utc for one in own if one.name.utc]
        begins = f"; they begin {dated[0]} to {dated[-1]}" if dated else ""
        undated = f"; of {len(own) - len(dated)} the time is not known" if len(dated) < len(own) else ""
        lines.append(f"{camera}: {len(own)} segments, {amount(sum(one.size for one in own))}{begins}{undated}")
    return lines or ["no segments"]


def _report(device: DeviceFootage, fetched: Fetched, folder: Path) -> int:
    say(
        f"{folder}: {fetched.came} segments came ({amount(fetched.bytes_came)}), {fetched.were_here} were here already"
        + (f", {fetched.gone} were deleted there meanwhile" if fetched.gone else "")
    )
    _say_what_is_not_listed(device)
    if fetched.others:
        names = ", ".join(fetched.others[:5])
        return complain(
            "footage fetch",
            f"{len(fetched.others)} names are taken here by something else, which stays ({names}); give each device an"
            " --out of its own",
        )
    return 0


def _say_what_is_not_listed(device: DeviceFootage) -> None:
    if device.growing:
        say(f"{device.growing} still grow; they are finished after ten minutes")
    if device.unknown:
        say(f"{device.unknown} files with other names were left alone")


def _parser(verb: str, explanation: str | None) -> argparse.ArgumentParser:
    parser = new_parser(f"footage {verb}", (explanation or "").partition("\n")[0])
    parser.add_argument("--host", required=True, help="the device, for ssh, such as pi@camera.local")
    parser.add_argument(
        "--ssh-option", action="append", default=[], metavar="OPTION", help="for ssh, such as --ssh-option=-p2222"
    )
    parser.add_argument("--camera", type=_camera, help="only this one's (all)")
    parser.add_argument("--since", type=_day, metavar="DATE", help="only what begins on this day (UTC) or later (all)")
    parser.add_argument(
        "--work", metavar="DIR", help=f"the component's work folder there ({' or '.join(WORK_FOLDERS)})"
    )
    return parser


def _camera(text: str) -> CameraId:
    try:
        return camera_id(text, "--camera")
    except ContractError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: give a day, such as 2026-11-30") from error


def _host(arguments: argparse.Namespace) -> Ssh:
    """Raises HostError."""
    return Ssh(arguments.host, tuple(arguments.ssh_option))


def _work(arguments: argparse.Namespace) -> tuple[str, ...]:
    return WORK_FOLDERS if arguments.work is None else (arguments.work,)


def _wish(arguments: argparse.Namespace) -> Wish:
    return Wish(arguments.camera, arguments.since)
