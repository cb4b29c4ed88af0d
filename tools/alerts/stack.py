"""Where the alerting's parts are: read from its stack, in the account that the AWS environment points at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tools.session import aws_session, error_code

STACK_NAME: Final = "SmartcamAlerts"


class StackError(Exception):
    """The stack cannot be read: why, and the remedy."""


class StackMissing(StackError):
    """There is no such stack in this account and region."""


FAULTS: Final = (StackError, BotoCoreError, ClientError)
"""What keeps a verb from doing its work."""


@dataclass(frozen=True, slots=True)
class AlertsSite:
    """A deployed alerting. `client` makes boto3 clients of its account and region."""

    outputs: Mapping[str, str]
    region: str | None = None

    def output(self, name: str) -> str:
        """Raises StackError for a stack of another version."""
        try:
            return self.outputs[name]
        except KeyError:
            raise StackError(f"{STACK_NAME} has no output {name}; remedy: deploy this version of it") from None

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """A boto3 client from the environment."""
        return aws_session(self.region).client(service)  # type: ignore[call-overload]  # any service by name


def find_site(stack: str = STACK_NAME, region: str | None = None) -> AlertsSite:
    """The deployed alerting; without a region in that of the environment. Raises StackError."""
    try:
        answer = aws_session(region).client("cloudformation").describe_stacks(StackName=stack)
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error_code(error) == "ValidationError":
            raise StackMissing(
                f"stack {stack} is not deployed in this account and region; remedy: make cloud"
            ) from error
        remedy = "remedy: set AWS_REGION and credentials (or the exports of `smartcam cloud up`)"
        raise StackError(f"stack {stack} cannot be read ({error}); {remedy}") from error
    [found] = answer["Stacks"]
    return AlertsSite({each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}, region)
