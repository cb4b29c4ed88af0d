"""What the release calls things in AWS's other partitions."""

from types import SimpleNamespace

import pytest

from tools.release.aws import Aws


@pytest.mark.parametrize(
    ("partition", "region"),
    [
        ("aws", "eu-west-1"),
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-eusc", "eusc-de-east-1"),
        ("aws-new", "xx-new-1"),
    ],
)
def test_a_component_is_named_in_the_partition_of_the_account(partition: str, region: str) -> None:
    caller = {"Account": "123456789012", "Arn": f"arn:{partition}:sts::123456789012:assumed-role/publisher/me"}
    identity = SimpleNamespace(get_caller_identity=lambda: caller)
    aws = Aws(region, None, None, None, identity)
    name = f"arn:{partition}:greengrass:{region}:123456789012:components:smartcam.Model:versions:1.0.0"
    assert aws.component_arn("smartcam.Model", "1.0.0") == name
