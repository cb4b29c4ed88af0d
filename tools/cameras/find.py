"""`smartcam cameras find`: look for cameras on this machine and on the local network, and print their settings as YAML.

USB and Raspberry Pi cameras are found where the command runs, so run it on the device for those; network cameras are
found from any machine of the same network, by ONVIF. The YAML goes to standard output, everything else to standard
error: `smartcam cameras find > cameras.yaml`, then `smartcam deploy --config cameras.yaml`.
"""

import argparse
import ipaddress
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from smartcam.capture.credentials import CameraCredentials, read_credentials
from smartcam.contract.errors import CameraLost
from tools.cameras.discovery import PORT, Answerer, Heard, Place, ask
from tools.cameras.envelope import NotUnderstood
from tools.cameras.findings import Findings, FoundCamera, as_json, as_yaml, identified, objection, plain
from tools.cameras.http import HttpPost
from tools.cameras.libcamera import libcamera_cameras
from tools.cameras.onvif import LoginWanted, OfferedStream, OnvifTalk, by_picture
from tools.cameras.v4l2 import v4l2_cameras
from tools.command_line import Say, complain, new_parser

Search = Callable[[], Findings]
_VERB: Final = "cameras find"
_AT_ONCE: Final = 8
_OTHERS_SHOWN: Final = 4
_NOTHING_HERE: Final = "no USB or Raspberry Pi camera here: run this on the machine that the camera is plugged into"
_NOTHING_THERE: Final = (
    "no network camera answered: switch ONVIF on in the camera's own menu, ask it by --ask ADDRESS (another subnet, a "
    "switch or firewall that drops multicast), or wait longer (--wait 15)"
)


@dataclass(frozen=True, slots=True)
class LoginFile:
    """A login for one camera, and the file that it is in."""

    file: Path
    login: CameraCredentials


def main(argv: Sequence[str]) -> int:
    """Find cameras. 0 if there are any, 1 if not, 2 for a wrong argument or a login that cannot be read."""
    arguments = parser()
    options = arguments.parse_args(argv)
    if options.local and (options.ask or options.login):
        arguments.error("--local sends nothing: leave --ask and --login out")
    return run(options, (v4l2_cameras, libcamera_cameras), _tell)


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = new_parser(_VERB, __doc__)
    parser.add_argument("--wait", type=_seconds, default=5.0, metavar="S", help="how long to listen for answers (5)")
    parser.add_argument(
        "--ask",
        type=_place,
        action="append",
        default=[],
        metavar="ADDRESS[:PORT]",
        help="ask this IPv4 address instead of the whole network; may be repeated",
    )
    parser.add_argument(
        "--login",
        type=_login,
        action="append",
        default=[],
        metavar="ADDRESS=FILE",
        help="the camera at ADDRESS gets the user and password in FILE (mode 0600; two lines, user=... and "
        "password=...), as a digest; no other camera does. May be repeated",
    )
    parser.add_argument("--local", action="store_true", help="only look at this machine: nothing is sent")
    parser.add_argument("--json", action="store_true", help="print JSON instead of YAML")
    return parser


def run(options: argparse.Namespace, here: Sequence[Search], tell: Say) -> int:
    """What the verb does; `here` looks at this machine."""
    try:
        logins = {host: LoginFile(file, read_credentials(file)) for host, file in options.login}
    except CameraLost as error:
        return complain(_VERB, f"--login: {error}", 2)
    tell("looking at this machine ...")
    found = sum((search() for search in here), Findings())
    if not found.cameras and not found.remarks:
        found += Findings(remarks=(_NOTHING_HERE,))
    if not options.local:
        found += _on_the_network(options.ask, options.wait, logins, tell)
    cameras = identified(found.cameras)
    _print(as_json(cameras, found.remarks) + "\n" if options.json else as_yaml(cameras))
    for remark in found.remarks:
        tell(remark)
    tell(_counted(cameras.values()))
    return 0 if cameras else 1


def _counted(cameras: Collection[FoundCamera]) -> str:
    """How many were found, and how many of them can be used."""
    ready = sum(bool(camera.settings) for camera in cameras)
    unready = f", and {len(cameras) - ready} that cannot be used yet" if ready < len(cameras) else ""
    return f"found {ready} camera{'' if ready == 1 else 's'}{unready}"


def look_around(
    here: Sequence[Search] = (v4l2_cameras, libcamera_cameras), asked: Sequence[Place] = (), wait_s: float = 5.0
) -> tuple[str, tuple[str, ...]]:
    """The cameras here and on the local network as YAML, and what there is to say besides; empty where there are none.

    `asked`: addresses to ask instead of the whole network.
    """
    found = sum((search() for search in here), Findings()) + _on_the_network(asked, wait_s, {}, lambda _: None)
    return as_yaml(identified(found.cameras)), tuple(map(plain, found.remarks))


def _on_the_network(asked: Sequence[Place], wait_s: float, logins: Mapping[str, LoginFile], tell: Say) -> Findings:
    where = ", ".join(host for host, _ in asked) or "the local network"
    tell(f"asking {where} for cameras, for {wait_s:g} s ...")
    heard: Heard = ask(asked, wait_s, tell)
    missing = sorted(logins.keys() - {each.host for each in heard.answerers})
    remarks = [f"{host}: did not answer, so its login was not used; try --ask {host}" for host in missing]
    if heard.answerers:
        tell("asking them for their streams ...")
    elif not heard.remarks:
        remarks.append(_NOTHING_THERE)
    with ThreadPoolExecutor(_AT_ONCE) as several:
        # By address, not as they happened to answer: the same cameras get the same ids next time.
        answerers = sorted(heard.answerers, key=lambda one: ipaddress.ip_address(one.host).packed)
        each = several.map(lambda one: cameras_of(one, logins.get(one.host)), answerers)
        return sum(each, Findings(remarks=(*heard.remarks, *remarks)))


def cameras_of(answerer: Answerer, login: LoginFile | None) -> Findings:
    """The cameras at one address: one for each lens or channel."""
    unusable = partial(FoundCamera, answerer.name)
    if answerer.service is None:
        return Findings((unusable(remarks=(f"{answerer.host}: {answerer.reason}",)),))
    try:
        known = login.login if login else None
        streams, reasons = OnvifTalk(answerer.service, HttpPost(known), known).streams()
    except LoginWanted as error:
        advice = "" if login else f": run again with --login {answerer.host}=FILE"
        return Findings((unusable(remarks=(f"{answerer.host}: {error}{advice}",)),))
    except NotUnderstood as error:
        return Findings((unusable(remarks=(f"{answerer.host}: {error}",)),))
    found = tuple(_camera(answerer, several, login) for several in by_picture(streams))
    if not found:
        return Findings((unusable(remarks=tuple(f"{answerer.host}: {reason}" for reason in reasons)),))
    return Findings(found, tuple(f"{answerer.host}: {reason}" for reason in reasons))


def _camera(answerer: Answerer, streams: Sequence[OfferedStream], login: LoginFile | None) -> FoundCamera:
    """The camera by the first of its streams that capture takes."""
    problem = ""
    for stream in streams:
        settings = {"source": "rtsp", "url": stream.url}
        remarks = [f"at {answerer.host}: {stream.size[0]}x{stream.size[1]} {stream.encoding}"]
        if login or stream.had_login:
            settings["credentials"] = str(login.file if login else f"/etc/smartcam/{answerer.host}.credentials")
        if not login:
            remarks.append(
                "its address held a login, which is left out here: put user=... and password=... into that file"
                if stream.had_login
                else f"if it wants a login, add credentials: /etc/smartcam/{answerer.host}.credentials"
            )
        problem = objection(settings)
        if not problem:
            others = [f"another stream: {other}" for other in streams if other is not stream and _is_usable(other)]
            return FoundCamera(answerer.name, settings, (*remarks, *others[:_OTHERS_SHOWN]))
    return FoundCamera(answerer.name, remarks=(f"{answerer.host}: its stream cannot be read: the address {problem}",))


def _is_usable(stream: OfferedStream) -> bool:
    return not objection({"source": "rtsp", "url": stream.url})


def _print(text: str) -> None:
    """Names of cameras have any letters; a terminal or file in another encoding gets them escaped."""
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        text = text.encode("ascii", "backslashreplace").decode()
    print(text, end="")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 60:  # noqa: PLR2004  said in the message
        raise argparse.ArgumentTypeError(f"{text!r}: give 0.1 to 60 seconds")
    return seconds


def _address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: give an IPv4 address such as 192.168.1.20") from error


def _place(text: str) -> Place:
    host, colon, port = text.partition(":")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):  # noqa: PLR2004  the last port
        raise argparse.ArgumentTypeError(f"{text!r}: give a port from 1 to 65535")
    return _address(host), int(port) if colon else PORT


def _login(text: str) -> tuple[str, Path]:
    host, equals, file = text.partition("=")
    if not equals or not file:
        raise argparse.ArgumentTypeError("give ADDRESS=FILE")
    return _address(host), Path(file).absolute()
