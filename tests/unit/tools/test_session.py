"""Which region the tools work in."""

import pytest

from tools.session import aws_session


@pytest.fixture(autouse=True)
def _no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


def test_the_region_is_the_one_given_then_either_variable_then_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert aws_session().region_name is None
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert aws_session().region_name == "eu-west-3"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert aws_session().region_name == "eu-west-2"
    assert aws_session("eu-west-1").region_name == "eu-west-1"
