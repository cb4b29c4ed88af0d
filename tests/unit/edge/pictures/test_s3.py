"""The device's one request to AWS: signed as botocore signs, over TLS only, with credentials of the token exchange."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from awscrt.http import HttpHeaders, HttpRequest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import UploadFailed
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.pictures.exchange import Credentials, TokenExchange
from smartcam.edge.pictures.s3 import BucketAddress, S3Store, address_of, sign_put
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
ENCODED = "snapshots/pi%3A1/gate/2026-03-01/x.jpg"
GOOD = Credentials(ACCESS_KEY, SECRET_KEY, SESSION)


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_characters="?#"), max_size=30),
    st.binary(max_size=100),
    st.integers(0, 4_102_444_800),
)
def test_the_signature_is_botocores(key: str, body: bytes, seconds: int) -> None:
    path = quote("/snapshots/" + key.replace("//", "/").replace("/.", "/_"), safe="/-_.~")
    of_request = HttpHeaders([("content-type", "image/jpeg"), ("host", "b.s3.eu-west-1.amazonaws.com")])
    signed = sign_put(HttpRequest("PUT", path, of_request), body, GOOD, REGION, UtcNs(seconds * NS_PER_S))
    headers = {name.lower(): value for name, value in signed.items()}
    assert headers["authorization"] == expected_authorization(path, headers, body)
    assert headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()


def test_what_cannot_be_signed_is_an_upload_that_failed() -> None:
    request = HttpRequest("PUT", "/x", HttpHeaders([("host", "b.s3.amazonaws.com"), ("x-amz-date", "of my own")]))
    with pytest.raises(UploadFailed, match="cannot be signed"):
        sign_put(request, b"", GOOD, REGION, UtcNs(0))


@pytest.mark.parametrize(
    ("region", "environment", "place"),
    [
        ("eu-west-1", {}, BucketAddress("b.s3.eu-west-1.amazonaws.com", 443, "/")),
        ("cn-north-1", {}, BucketAddress("b.s3.cn-north-1.amazonaws.com.cn", 443, "/")),
        ("eu-west-1", {"AWS_ENDPOINT_URL": "https://127.0.0.1:4566"}, BucketAddress("127.0.0.1", 4566, "/b/")),
        ("eu-west-1", {"AWS_ENDPOINT_URL_S3": "https://s3.local"}, BucketAddress("s3.local", 443, "/b/")),
    ],
)
def test_a_bucket_is_reached_by_its_own_name_or_below_an_endpoint(
    region: str, environment: dict[str, str], place: BucketAddress
) -> None:
    assert address_of("b", region, environment) == place


def test_no_picture_travels_without_tls() -> None:
    with pytest.raises(UploadFailed, match="over TLS only"):
        address_of("b", REGION, {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})


@pytest.fixture
def exchange() -> Iterator[FakeExchange]:
    exchange = FakeExchange()
    with serving(exchange):
        yield exchange


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
    assert s3.objects == {f"/pictures/{ENCODED}": b"jpeg"}
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
