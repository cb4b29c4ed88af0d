"""Which account the alerting is looked for in."""

import boto3
import pytest

from tools.alerts.stack import AlertsSite


def test_a_client_is_of_the_account_that_the_environment_points_at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "first-account")
    boto3.client("sqs")  # fills boto3's shared session
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "second-account")
    address = AlertsSite({}).client("sqs").generate_presigned_url("list_queues")
    assert "second-account" in address


def test_a_client_is_of_the_region_in_which_the_stack_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert AlertsSite({}, "eu-west-1").client("sqs").meta.region_name == "eu-west-1"
    assert AlertsSite({}).client("sqs").meta.region_name == "eu-central-1"
