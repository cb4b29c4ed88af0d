"""The AWS account and region that the environment points at."""

import os
from typing import Final

import boto3
from botocore.exceptions import ClientError

NO_CREDENTIALS: Final = "remedy: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"


def aws_session(region: str | None = None) -> boto3.Session:
    """A session of its own: boto3's shared one keeps the credentials of the first caller in this process.

    The region is the one given, else of AWS_REGION, which every other AWS tool reads and boto3 does not, else boto3's
    own choice (AWS_DEFAULT_REGION, the profile).
    """
    return boto3.Session(region_name=region or os.environ.get("AWS_REGION"))


def error_code(error: ClientError) -> str:
    """The service's own name for an error."""
    return str(error.response.get("Error", {}).get("Code", ""))
