"""Credentials come from the service on this device, and from nowhere else."""

from collections.abc import Iterator

import pytest

from smartcam.contract.errors import UploadFailed
from smartcam.edge.pictures.exchange import Credentials, TokenExchange
from tests.fakes.aws_server import ACCESS_KEY, SECRET_KEY, SESSION, FakeExchange, serving
from tests.fakes.clock import FakeClock

GOOD = Credentials(ACCESS_KEY, SECRET_KEY, SESSION)


def test_secrets_are_not_shown_where_credentials_are_printed() -> None:
    assert SECRET_KEY not in repr(GOOD)
    assert SESSION not in repr(GOOD)


@pytest.fixture
def exchange() -> Iterator[FakeExchange]:
    exchange = FakeExchange()
    with serving(exchange):
        yield exchange


def test_credentials_are_asked_for_once_in_ten_minutes_and_again_after_a_refusal(exchange: FakeExchange) -> None:
    clock = FakeClock()
    source = TokenExchange(exchange.environment, clock)
    assert source.credentials() == source.credentials() == GOOD
    assert exchange.asked == 1
    clock.advance(601)
    source.credentials()
    source.forget()
    source.credentials()
    assert exchange.asked == 3


def test_who_does_not_know_the_token_gets_nothing(exchange: FakeExchange) -> None:
    wrong = {**exchange.environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "please"}
    with pytest.raises(UploadFailed, match="says 403"):
        TokenExchange(wrong, FakeClock()).credentials()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"AccessKeyId": 1}', b"\xff"])
def test_an_answer_without_credentials_says_so(exchange: FakeExchange, body: bytes) -> None:
    exchange.body = body
    with pytest.raises(UploadFailed, match="no credentials"):
        TokenExchange(exchange.environment, FakeClock()).credentials()


@pytest.mark.parametrize("uri", ["", "https://example.org/creds", "http://169.254.169.254/", "http://example.org/"])
def test_credentials_are_asked_for_on_this_device_only(uri: str) -> None:
    with pytest.raises(UploadFailed, match="no address on this device"):
        TokenExchange({"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri}, FakeClock()).credentials()


def test_a_service_that_is_gone_is_an_upload_that_failed() -> None:
    exchange = FakeExchange()
    with serving(exchange):
        environment = exchange.environment
    with pytest.raises(UploadFailed, match="does not answer"):
        TokenExchange(environment, FakeClock()).credentials()
