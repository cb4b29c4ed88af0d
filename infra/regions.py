"""What a region lacks, said while the stacks are synthesised: SMS."""

from collections.abc import Mapping, Sequence
from typing import Final

from botocore.session import get_session

from infra.subscribers import SubscriberGroup
from smartcam.contract.errors import SettingsError

_SENDER: Final = "pinpoint-sms-voice-v2"
"""The service that sends SNS's SMS (AWS End User Messaging): where it has no endpoint, SNS sends none."""
_CHINA: Final = "cn-"
"""SMS are missing in all of its regions by AWS's own page on SNS in China; elsewhere the SDK's list may be old."""
_REGION_VARIABLES: Final = ("CDK_DEFAULT_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")


def region_of(environment: Mapping[str, str]) -> str | None:
    """The region that is deployed to, where the CDK CLI or the environment says it."""
    return next((environment[name] for name in _REGION_VARIABLES if environment.get(name)), None)


def sms_remark(groups: Sequence[SubscriberGroup], region: str | None) -> str:
    """A line for people where numbers are named in a region without SMS; empty where there is nothing to say.

    Raises:
        SettingsError: for numbers in China, where nobody can get an SMS from AWS.
    """
    phones = sum(len(group.phones) for group in groups)
    if region is None or not phones or region in _with_sms():
        return ""
    if region.startswith(_CHINA):
        number = "1 number" if phones == 1 else f"{phones} numbers"
        raise SettingsError("phone", number, f"AWS has no SMS in {region}: name emails or urls instead")
    return (
        f"warning: phone: AWS's SDK knows no SMS in {region}; those who have only a phone may get no alert."
        " Add emails or urls, or deploy to another region (docs/alerts.md)\n"
    )


def _with_sms() -> frozenset[str]:
    session = get_session()
    partitions = session.get_available_partitions()
    return frozenset(
        region for each in partitions for region in session.get_available_regions(_SENDER, partition_name=each)
    )
