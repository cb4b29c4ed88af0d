"""`smartcam provision`: make a device's identity in AWS, and the bundle to install on it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from infra.fleet.core_device import Account
from infra.names import GROUP
from smartcam.contract.errors import ContractError, SmartcamError
from smartcam.contract.ids import ThingName, thing_name
from tools.command_line import ROOT, complain, new_parser
from tools.provision import identity, package
from tools.session import NO_CREDENTIALS, aws_session


def main(argv: Sequence[str]) -> int:
    """Provision; 0, 1 when AWS or the disk refuses, 2 for a wrong call."""
    options = _parser().parse_args(argv)
    try:
        # Mistakes on this side are reported before anything is made in AWS.
        thing = thing_name(options.thing)
        if options.root_ca is not None:
            options.root_ca.read_bytes()
    except ContractError as error:
        return complain("provision", error, 2)
    except OSError as error:
        return complain("provision", f"--root-ca {options.root_ca}: cannot be read ({error.strerror})", 2)
    try:
        session: Any = aws_session(options.region)
        if session.region_name is None:
            raise identity.ProvisionError("no region: give --region, or set AWS_REGION")
        caller = session.client("sts").get_caller_identity()
        place = Account(caller["Arn"].split(":")[1], session.region_name, caller["Account"])
        if options.remove:
            identity.remove(session.client("iot"), thing, place, print)
        else:
            provision(session.client("iot"), thing, place, options)
    except NoCredentialsError as error:
        return complain("provision", f"{error}; {NO_CREDENTIALS}")
    except (SmartcamError, BotoCoreError, ClientError, OSError) as error:
        return complain("provision", error)
    return 0


def provision(iot: identity.Client, thing: ThingName, place: Account, options: argparse.Namespace) -> None:
    """Everything for one device; what exists is kept. Raises ProvisionError, ClientError, OSError."""
    folder: Path = options.out / f"smartcam-{thing.replace(':', '.')}"
    identity.ensure_thing(iot, thing, options.group, print)
    policies = identity.ensure_policies(iot, thing, place, print)
    made = identity.ensure_certificate(iot, package.kept_certificate(folder), print)
    if made is not None:
        package.keep_certificate(folder, made)
    arn = package.kept_certificate(folder)
    if arn is None:
        raise identity.ProvisionError(f"{folder}: the certificate could not be kept")
    identity.bind(iot, thing, arn, policies, print)
    device = package.DeviceSettings(thing, options.nucleus, place.region, identity.endpoints(iot))
    archive = package.write_package(folder, device, options.root_ca)
    print(f"bundle: {archive} (readable by you alone: it holds the device's key)")
    print(f"on the Pi: tar -xf {archive.name} && sudo sh {folder.name}/install.sh NUCLEUS (the file from AWS)")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("provision", __doc__)
    parser.add_argument("thing", metavar="THING", help="the device's name")
    parser.add_argument("--nucleus", choices=package.KINDS, default="lite", help="which nucleus runs on it (lite)")
    parser.add_argument("--group", default=GROUP, help=f"thing group to join ({GROUP})")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "devices", help="where bundles go (build/devices)")
    parser.add_argument(
        "--root-ca",
        type=Path,
        metavar="PEM",
        help="the endpoint's certificate authority (Amazon's, from the Pi's system)",
    )
    parser.add_argument("--region", help="region (AWS_REGION, else the profile's)")
    parser.add_argument("--remove", action="store_true", help="delete the thing, its certificates and policies")
    return parser
