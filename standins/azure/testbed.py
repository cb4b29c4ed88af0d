"""A device of IoT Edge for tests: an edge hub and a workload API, and the environment of a module on it."""

import contextlib
import datetime as dt
import secrets
import shutil
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.azure.hub import StandInHub
from standins.azure.identity import ModuleIdentity
from standins.azure.workload import WorkloadApi
from standins.cloud.certificate import make_certificate

DEVICE: Final = "yard-1"
MODULE: Final = "smartcam"
_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class EdgeDevice:
    """What runs, and what a module of it gets."""

    hub: StandInHub
    workload: WorkloadApi
    identity: ModuleIdentity
    environment: Mapping[str, str]


@contextlib.contextmanager
def running_device() -> Iterator[EdgeDevice]:
    """A device until the end of the block. Its hub has a loopback address of its own: the port is always the same."""
    identity = ModuleIdentity(DEVICE, MODULE, "stand-in.azure-devices.net", "1", secrets.token_bytes(32))
    # Not in pytest's folder: a socket's path has 107 characters at most.
    root = Path(tempfile.mkdtemp(prefix="edge-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        hub, address, trusted = _hub(root, identity)
        stack.callback(hub.close)
        socket = root / "workload.sock"
        api = WorkloadApi(socket, identity, trusted)
        stack.callback(api.close)
        yield EdgeDevice(hub, api, identity, identity.environment(address, socket))


def _hub(root: Path, identity: ModuleIdentity) -> tuple[StandInHub, str, str]:
    for _ in range(_TRIES):
        address = f"127.{8 + secrets.randbelow(200)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        certificate = make_certificate(root, dt.datetime.now(dt.UTC), address)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate.chain, certificate.key)
        hub = StandInHub(identity, address, tls)
        try:
            hub.start()
        except OSError:
            hub.close()
            continue
        return hub, address, certificate.authority.read_text(encoding="ascii")
    raise OSError("no loopback address has port 8883 free")
