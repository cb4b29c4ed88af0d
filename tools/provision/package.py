"""What a person takes to the Pi: keys, the nucleus's configuration and the scripts. Nobody else can read it."""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from infra.names import ROLE_ALIAS
from smartcam.contract.ids import ThingName
from smartcam.edge.files import replace_file
from tools.provision.identity import Certificate, Endpoints

KINDS: Final = ("lite", "classic")
ROOTS: Final[Mapping[str, str]] = {"lite": "/var/lib/greengrass", "classic": "/greengrass/v2"}
CERTIFICATE: Final = "device.pem"
KEY: Final = "device.key"
AUTHORITY: Final = "root-ca.pem"
IDENTITY: Final = "identity.json"
DROP_IN: Final = "zz-smartcam.yaml"
SCRIPTS: Final = ("install.sh", "uninstall.sh", "doctor.sh")
_HERE: Final = Path(__file__).resolve().parent
_CONFIG_VERSION: Final = "2.15.0"
_RUN_WITH: Final[Mapping[str, object]] = {"runWithDefault": {"posixUser": "gg_component:gg_component"}}
_write: Final = partial(replace_file, durable=True)


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What the nucleus is configured with."""

    thing: ThingName
    kind: str
    region: str
    endpoints: Endpoints


def kept_certificate(folder: Path) -> str | None:
    """The ARN of the certificate whose key is in a folder."""
    try:
        arn = str(json.loads((folder / IDENTITY).read_text())["certificate"])
    except (OSError, ValueError, KeyError):
        return None
    return arn if (folder / KEY).is_file() and (folder / CERTIFICATE).is_file() else None


def keep_certificate(folder: Path, certificate: Certificate) -> None:
    """Store what AWS gives only once, before anything else is done with it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _write(folder / KEY, certificate.key)
    _write(folder / CERTIFICATE, certificate.pem)
    _write(folder / IDENTITY, json.dumps({"certificate": certificate.arn}).encode() + b"\n")


def write_package(folder: Path, device: DeviceSettings, authority: Path | None) -> Path:
    """The configuration and the scripts beside the keys, and all of it in one archive, which is returned."""
    root = ROOTS[device.kind]
    _write(folder / "config.yaml", configuration(device).encode())
    if device.kind == "lite":
        _write(folder / DROP_IN, drop_in().encode())
    variables = {"THING": device.thing, "NUCLEUS": device.kind, "ROOT": root, "ENDPOINT": device.endpoints.data}
    _write(folder / "device.env", "".join(f"{key}='{value}'\n" for key, value in variables.items()).encode())
    for script in SCRIPTS:
        _write(folder / script, (_HERE / script).read_bytes())
    if authority is not None:
        _write(folder / AUTHORITY, authority.read_bytes())
    archive = folder.with_name(f"{folder.name}.tar")
    _write(archive, _packed(folder))
    return archive


def configuration(device: DeviceSettings) -> str:
    """The nucleus's `config.yaml`; JSON is YAML."""
    root = ROOTS[device.kind]
    system = {
        "certificateFilePath": f"{root}/{CERTIFICATE}",
        "privateKeyPath": f"{root}/{KEY}",
        "rootCaPath": f"{root}/{AUTHORITY}",
        "thingName": device.thing,
    }
    nucleus: dict[str, object] = {
        "awsRegion": device.region,
        "iotCredEndpoint": device.endpoints.credentials,
        "iotDataEndpoint": device.endpoints.data,
        "iotRoleAlias": ROLE_ALIAS,
    }
    if device.kind == "lite":
        nucleus |= _RUN_WITH
        nucleus["greengrassDataPlanePort"] = "8443"
        service = {"componentType": "NUCLEUS", "configuration": nucleus}
        document = {"system": {**system, "rootPath": root}, "services": {"aws.greengrass.NucleusLite": service}}
    else:
        service = {"componentType": "NUCLEUS", "version": _CONFIG_VERSION, "configuration": nucleus}
        document = {"system": {**system, "rootpath": root}, "services": {"aws.greengrass.Nucleus": service}}
    return json.dumps(document, indent=2) + "\n"


def drop_in() -> str:
    """What nucleus lite reads beside its `config.yaml`, where its package says the contrary; JSON is YAML."""
    return json.dumps({"services": {"aws.greengrass.NucleusLite": {"configuration": _RUN_WITH}}}, indent=2) + "\n"


def _packed(folder: Path) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for file in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(f"{folder.name}/{file.name}")
            content = file.read_bytes()
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return held.getvalue()
