"""The device's one request to AWS: signed as botocore signs, over TLS only, with credentials of the token exchange."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import UploadFailed
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.pictures.exchange import TokenExchange
from smartcam.edge.pictures.signing import Credentials, PutRequest, encoded_path, signed_headers
from smartcam.edge.pictures.upload import Place, S3Store, place_of
from standins.cloud.certificate import make_certificate
from tests.fakes.aws_server import (
    ACCESS_KEY,
    REGION,
    SECRET_KEY,
    SESSION,
    FakeExchange,
    FakeS3,
    expected_authorization,
    serving,
)
from tests.fakes.clock import FakeClock

KEY = "snapshots/pi:1/gate/2026-03-01/x.jpg"
GOOD = Credentials(ACCESS_KEY, SECRET_KEY, SESSION)


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_characters="?#"), max_size=30),
    st.binary(max_size=100),
    st.integers(0, 4_102_444_800),
)
def test_the_signature_is_botocores(key: str, body: bytes, seconds: int) -> None:
    path = "/snapshots/" + key.replace("//", "/").replace("/.", "/_")
    request = PutRequest("b.s3.eu-west-1.amazonaws.com", path, body, REGION, {"Content-Type": "image/jpeg"})
    headers = signed_headers(request, GOOD, UtcNs(seconds * NS_PER_S))
    assert headers["authorization"] == expected_authorization(encoded_path(path), headers, body)


def test_secrets_are_not_shown_where_credentials_are_printed() -> None:
    assert SECRET_KEY not in repr(GOOD)
    assert SESSION not in repr(GOOD)


@pytest.mark.parametrize(
    ("region", "environment", "place"),
    [
        ("eu-west-1", {}, Place("b.s3.eu-west-1.amazonaws.com", 443, "/")),
        ("cn-north-1", {}, Place("b.s3.cn-north-1.amazonaws.com.cn", 443, "/")),
        ("eu-west-1", {"AWS_ENDPOINT_URL": "https://127.0.0.1:4566"}, Place("127.0.0.1", 4566, "/b/")),
        ("eu-west-1", {"AWS_ENDPOINT_URL_S3": "https://s3.local"}, Place("s3.local", 443, "/b/")),
    ],
)
def test_a_bucket_is_reached_by_its_own_name_or_below_an_endpoint(
    region: str, environment: dict[str, str], place: Place
) -> None:
    assert place_of("b", region, environment) == place


def test_no_picture_travels_without_tls() -> None:
    with pytest.raises(UploadFailed, match="over TLS only"):
        place_of("b", REGION, {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    made = make_certificate(tmp_path_factory.mktemp("tls"), datetime.now(UTC))
    return made.chain, made.key, made.authority


@pytest.fixture
def s3(certificate: tuple[Path, Path, Path]) -> Iterator[FakeS3]:
    s3 = FakeS3()
    with serving(s3, certificate[:2]):
        yield s3


def environment_of(s3: FakeS3, authority: Path) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL_S3": f"https://127.0.0.1:{s3.port}", "AWS_CA_BUNDLE": str(authority)}


def test_a_picture_arrives_with_its_type(
    exchange: FakeExchange, s3: FakeS3, certificate: tuple[Path, Path, Path]
) -> None:
    clock = FakeClock()
    store = S3Store(TokenExchange(exchange.environment, clock), REGION, environment_of(s3, certificate[2]), clock)
    store.put("pictures", KEY, b"jpeg", "image/jpeg")
    assert s3.objects == {f"/pictures/{encoded_path(KEY)}": b"jpeg"}
    assert set(s3.types.values()) == {"image/jpeg"}


def test_a_refusal_says_what_s3_says_and_the_next_try_has_fresh_credentials(
    exchange: FakeExchange, s3: FakeS3, certificate: tuple[Path, Path, Path]
) -> None:
    clock = FakeClock()
    store = S3Store(TokenExchange(exchange.environment, clock), REGION, environment_of(s3, certificate[2]), clock)
    s3.refusals = [403, 503]
    with pytest.raises(UploadFailed, match="S3 says 403 AccessDenied"):
        store.put("pictures", KEY, b"jpeg", "image/jpeg")
    with pytest.raises(UploadFailed, match="S3 says 503"):
        store.put("pictures", KEY, b"jpeg", "image/jpeg")
    assert exchange.asked == 2
    store.put("pictures", KEY, b"jpeg", "image/jpeg")
    assert exchange.asked == 2


def test_a_server_that_nobody_vouches_for_gets_no_picture(exchange: FakeExchange, s3: FakeS3) -> None:
    clock = FakeClock()
    environment = {"AWS_ENDPOINT_URL_S3": f"https://127.0.0.1:{s3.port}"}
    store = S3Store(TokenExchange(exchange.environment, clock), REGION, environment, clock)
    with pytest.raises(UploadFailed, match="cannot be reached"):
        store.put("pictures", KEY, b"jpeg", "image/jpeg")
    assert s3.puts == 0
