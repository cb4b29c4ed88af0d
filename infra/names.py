"""Names that the stacks and the tools around them agree on. Imports nothing that is slow or needs Node."""

from typing import Final

from smartcam.contract.ids import CameraId, ThingName

ANY_CAMERA: Final = CameraId("*")
GROUP: Final = "Smartcam"
CANARY_GROUP: Final = "SmartcamCanary"
ROLE_ALIAS: Final = "SmartcamTokenExchange"
"""By this name devices ask for AWS credentials: to load artifacts and, where they do, to upload pictures."""


def policy_name(thing: ThingName) -> str:
    """The name of a device's policy. Policy names know no ':', thing names no '.'."""
    return f"smartcam-{thing.replace(':', '.')}"


def core_policy_name(thing: ThingName) -> str:
    """The name of the policy with what deployments need, beside the one with what the suite says and hears.

    No thing's name makes it another thing's.
    """
    return f"smartcam_core-{thing.replace(':', '.')}"
