"""Names that the stacks and the tools around them agree on. Imports nothing that is slow or needs Node."""

from typing import Final

from smartcam.contract.ids import CameraId, ThingName

ANY_CAMERA: Final = CameraId("*")
GROUP: Final = "Smartcam"
CANARY_GROUP: Final = "SmartcamCanary"
ROLE_ALIAS: Final = "SmartcamTokenExchange"
"""Devices ask for AWS credentials by this name: to load artifacts and, where pictures are on, to upload them."""


def policy_name(thing: ThingName) -> str:
    """The name of a device's policy. Policy names cannot hold a ':', thing names cannot hold a '.'."""
    return f"smartcam-{thing.replace(':', '.')}"


def core_policy_name(thing: ThingName) -> str:
    """The name of the policy that deployments need, beside the one for what the suite publishes and receives.

    Whatever a thing is called, this is never the name of another thing's policy.
    """
    return f"smartcam_core-{thing.replace(':', '.')}"
