"""A device's identity in the local cloud: its thing, its certificate, and the policy that binds them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smartcam.contract.ids import ThingName
from standins.cloud.certificate import write_private
from standins.cloud.endpoint import HOST, CloudEndpoint


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """What a device needs to connect over mutual TLS; the files are readable by their owner only."""

    thing: ThingName
    certificate: Path
    key: Path
    authority: Path
    host: str
    port: int


def provision(iot: Any, endpoint: CloudEndpoint, thing: ThingName, policy: str, folder: Path) -> DeviceIdentity:  # noqa: ANN401
    """Create the thing (unless it exists) and a certificate of its own under an existing policy.

    `iot` is a boto3 client; the files go to `folder/<thing>/`.
    """
    iot.create_thing(thingName=thing)
    made = iot.create_keys_and_certificate(setAsActive=True)
    arn = made["certificateArn"]
    iot.attach_policy(policyName=policy, target=arn)
    iot.attach_thing_principal(thingName=thing, principal=arn)
    home = folder / thing
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key, authority = home / "device.pem", home / "device.key", home / "ca.pem"
    write_private(certificate, made["certificatePem"].encode("ascii"))
    write_private(key, made["keyPair"]["PrivateKey"].encode("ascii"))
    write_private(authority, endpoint.iot_authority.read_bytes())
    return DeviceIdentity(thing, certificate, key, authority, HOST, endpoint.mqtt_port)
