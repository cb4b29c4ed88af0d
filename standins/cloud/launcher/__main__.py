"""Starts ministack as the local cloud: `python -m standins.cloud.launcher --folder DIR ...` in .venv-cloud."""

import argparse
import asyncio
import importlib
import json
import logging
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.cloud.launcher.functions import (
    keep_throttled_events,
    limit_workers,
    send_failures_with_permission,
    start_functions_as_iot_does,
)
from standins.cloud.launcher.listeners import LOOPBACK, LoopbackLoop, PortTakenError, bind, port_of
from standins.cloud.launcher.people import People
from standins.cloud.launcher.post import PostOffice, smtp_sender
from standins.cloud.launcher.queues import fill_queues_as_iot_does
from standins.cloud.launcher.seams import SeamBrokenError, Untyped, check_seams
from standins.cloud.launcher.sink import MaildirSink

READY_FILE: Final = "ports.json"
_KEEP_ALIVE_S: Final = 75
_GRACE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """The bound sockets."""

    https: socket.socket
    mqtt: socket.socket
    smtp: socket.socket


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m standins.cloud.launcher")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--https-port", type=int, default=0)
    parser.add_argument("--mqtt-port", type=int, default=0)
    arguments = parser.parse_args(argv)
    os.umask(0o077)
    try:
        listeners = Listeners(
            bind(arguments.https_port, "the AWS endpoint", "--https-port"),
            bind(arguments.mqtt_port, "MQTT", "--mqtt-port"),
            bind(0, "SMTP", "nothing"),
        )
        # ministack reads these when it is imported.
        os.environ["GATEWAY_PORT"] = str(port_of(listeners.https))
        os.environ["IOT_MTLS_PORT"] = str(port_of(listeners.mqtt))
        check_seams()
    except (PortTakenError, SeamBrokenError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    serve(arguments.folder, listeners)
    return 0


def serve(folder: Path, listeners: Listeners) -> None:
    """Run the cloud until SIGTERM or SIGINT."""
    post_office = PostOffice(smtp_sender(LOOPBACK, port_of(listeners.smtp)), folder / "sms")
    try:
        _close_gaps(post_office, f"https://{LOOPBACK}:{port_of(listeners.https)}")
        with asyncio.Runner(loop_factory=lambda: LoopbackLoop({port_of(listeners.mqtt): listeners.mqtt})) as runner:
            runner.run(_serve(folder, listeners, post_office))
    finally:
        post_office.close()


def _close_gaps(post_office: PostOffice, gateway: str) -> None:
    iot = importlib.import_module("ministack.services.iot")
    lambdas = importlib.import_module("ministack.services.lambda_svc")
    sns = importlib.import_module("ministack.services.sns")
    iam = importlib.import_module("ministack.core.iam_evaluator")
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    People(sns, post_office.post, gateway).attach(provisioners._RESOURCE_HANDLERS)  # noqa: SLF001
    keep_throttled_events(lambdas)
    limit_workers(lambdas)
    send_failures_with_permission(lambdas, iam)
    start_functions_as_iot_does(iot, lambdas, iam)
    fill_queues_as_iot_does(iot, iam, importlib.import_module("ministack.services.iam")._roles)  # noqa: SLF001


async def _serve(folder: Path, listeners: Listeners, post_office: PostOffice) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_report_fault)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    smtp: Untyped = importlib.import_module("aiosmtpd.smtp")
    sink = MaildirSink(folder / "mail")
    mail_server = await loop.create_server(
        lambda: smtp.SMTP(sink, hostname="localhost", loop=loop), sock=listeners.smtp
    )
    _write_ports(folder, listeners)
    serve_http: Untyped = importlib.import_module("hypercorn.asyncio").serve
    app = importlib.import_module("ministack.app").app
    await serve_http(app, _http_settings(listeners.https), shutdown_trigger=stopping.wait)
    # What was published before the end is still delivered.
    await asyncio.to_thread(post_office.close)
    mail_server.close()


def _http_settings(https: socket.socket) -> Untyped:
    settings = importlib.import_module("hypercorn.config").Config()
    # Without this main, ministack would also take port 443 of the machine.
    settings.bind = [f"fd://{https.fileno()}"]
    settings.certfile, settings.keyfile = os.environ["MINISTACK_SSL_CERT"], os.environ["MINISTACK_SSL_KEY"]
    settings.keep_alive_timeout = _KEEP_ALIVE_S
    settings.graceful_timeout = settings.shutdown_timeout = _GRACE_S
    settings.loglevel = "WARNING"
    return settings


def _report_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Untyped]) -> None:
    # A client that leaves without a goodbye, or trusts another certificate, is no fault of the cloud.
    if not isinstance(context.get("exception"), ssl.SSLError | TimeoutError):
        loop.default_exception_handler(context)


def _write_ports(folder: Path, listeners: Listeners) -> None:
    ports = {"https": port_of(listeners.https), "mqtt": port_of(listeners.mqtt), "smtp": port_of(listeners.smtp)}
    unfinished = folder / f"{READY_FILE}.part"
    unfinished.write_text(json.dumps(ports), encoding="ascii")
    unfinished.replace(folder / READY_FILE)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    _raise_file_limit()
    sys.exit(main())
