"""What a stack tells its users: names and addresses of what it made."""

from collections.abc import Mapping

import aws_cdk as cdk


def add_outputs(stack: cdk.Stack, outputs: Mapping[str, str]) -> None:
    """One CloudFormation output for each name."""
    for name, value in outputs.items():
        cdk.CfnOutput(stack, name, value=value)
