"""`smartcam cloud`: `up` runs the local cloud in the foreground; `confirm` confirms its e-mail subscriptions."""

import argparse
import shlex
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from smartcam.edge.arguments import whole
from standins.cloud.folder import LocalCloudError
from standins.cloud.local_cloud import LocalCloud, confirm_from_outside
from tools.command_line import complain
from tools.setup import ToolsError, setup_cloud


def main(argv: Sequence[str] | None = None, stop: threading.Event | None = None) -> int:
    """Run the verb `cloud`. `stop` ends `up` as Ctrl-C does. Returns the exit code."""
    arguments = _parser().parse_args(argv)
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
    try:
        if arguments.verb == "confirm":
            print(
                "\n".join(f"confirmed: {to}" for to in confirm_from_outside(arguments.dir))
                or "no subscription waits for confirmation"
            )
        else:
            _up(arguments.dir, arguments.https_port, arguments.mqtt_port, stop)
    except (LocalCloudError, ToolsError, OSError) as error:
        return complain("cloud", error)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smartcam cloud", description="The AWS side of the suite, on this machine.")
    verbs = parser.add_subparsers(required=True, dest="verb", metavar="VERB")
    up = verbs.add_parser("up", help="run it until Ctrl-C and print how to reach it")
    up.add_argument("--dir", type=Path, default=Path("build/cloud"), help="its folder (default: %(default)s)")
    up.add_argument(
        "--https-port", type=whole(0, 65_535), default=0, help="of the AWS endpoint (default: any free one)"
    )
    up.add_argument(
        "--mqtt-port", type=whole(0, 65_535), default=0, help="of MQTT with mutual TLS (default: any free one)"
    )
    confirm = verbs.add_parser("confirm", help="confirm the subscriptions that its e-mails ask for")
    confirm.add_argument("--dir", type=Path, default=Path("build/cloud"), help="its folder (default: %(default)s)")
    return parser


def _up(folder: Path, https_port: int, mqtt_port: int, stop: threading.Event) -> None:
    toolchain = setup_cloud()
    with LocalCloud(folder, toolchain, https_port=https_port, mqtt_port=mqtt_port) as cloud:
        print(how_to_reach(cloud), flush=True)
        while not stop.wait(0.5):
            cloud.check()
        print("cloud: stopping ...", flush=True)


def how_to_reach(cloud: LocalCloud) -> str:
    """Lines for a shell, and where e-mail and SMS arrive."""
    return "\n".join(
        [
            "# The local cloud is up; Ctrl-C ends it. For AWS clients in another terminal:",
            *export_lines(cloud.environment()),
            f"# MQTT with mutual TLS: port {cloud.endpoint.mqtt_port}, CA {cloud.endpoint.iot_authority}",
            f"# Subscriptions: smartcam cloud confirm --dir {cloud.folder}",
            f"# e-mail: {cloud.maildir}  SMS: {cloud.text_folder}  log: {cloud.log}",
        ]
    )


def export_lines(variables: Mapping[str, str]) -> list[str]:
    """`export` lines that any POSIX shell takes."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
