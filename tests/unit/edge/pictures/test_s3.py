"""The device's one request to AWS: signed as botocore signs, over TLS only, with credentials of the token exchange."""

import hashlib
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from awscrt.auth import AwsCredentials
from awscrt.http import HttpHeaders, HttpRequest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import UploadFailed
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.pictures.s3 import BucketAddress, S3Store, UploadGone, address_of, sign
from standins.cloud.certificate import make_certificate
from tests.fakes.aws_server import (
    ACCESS_KEY,
    REGION,
    SECRET_KEY,
    SESSION,
    SMALLEST_PIECE,
    FakeExchange,
    FakeS3,
    expected_authorization,
    serving,
)
from tests.fakes.clock import FakeClock

KEY = "snapshots/pi:1/gate/2026-03-01/x.jpg"
ENCODED = "snapshots/pi%3A1/gate/2026-03-01/x.jpg"
GOOD = AwsCredentials(ACCESS_KEY, SECRET_KEY, SESSION)


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_characters="?#"), max_size=30),
    st.binary(max_size=100),
    st.integers(0, 4_102_444_800),
)
def test_the_signature_is_botocores(key: str, body: bytes, seconds: int) -> None:
    path = quote("/snapshots/" + key.replace("//", "/").replace("/.", "/_"), safe="/-_.~")
    of_request = HttpHeaders([("content-type", "image/jpeg"), ("host", "b.s3.eu-west-1.amazonaws.com")])
    signed = sign(HttpRequest("PUT", path, of_request), body, GOOD, REGION, UtcNs(seconds * NS_PER_S))
    headers = {name.lower(): value for name, value in signed.items()}
    assert headers["authorization"] == expected_authorization(path, headers, body)
    assert headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()


def test_what_cannot_be_signed_is_an_upload_that_failed() -> None:
    request = HttpRequest("PUT", "/x", HttpHeaders([("host", "b.s3.amazonaws.com"), ("x-amz-date", "of my own")]))
    with pytest.raises(UploadFailed, match="cannot be signed"):
        sign(request, b"", GOOD, REGION, UtcNs(0))


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


@pytest.fixture(autouse=True)
def _without_other_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the start script has it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeExchange]:
    exchange = FakeExchange()
    with serving(exchange):
        for name, value in exchange.environment.items():
            monkeypatch.setenv(name, value)
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


@pytest.fixture
def store(exchange: FakeExchange, s3: FakeS3, certificate: tuple[Path, Path, Path]) -> S3Store:
    return store_of(exchange, s3, AWS_CA_BUNDLE=str(certificate[2]))


def store_of(exchange: FakeExchange, s3: FakeS3, credentials_limit_s: float = 10.0, **more: str) -> S3Store:
    environment = {**exchange.environment, "AWS_ENDPOINT_URL_S3": f"https://127.0.0.1:{s3.port}", **more}
    return S3Store(REGION, environment, FakeClock(), credentials_limit_s)


def put(store: S3Store) -> None:
    store.put("pictures", KEY, b"jpeg", "image/jpeg")


def put_in_the_end(store: S3Store) -> None:
    for _ in range(100):
        with suppress(UploadFailed):
            return put(store)
        time.sleep(0.1)
    return put(store)


def test_a_picture_arrives_with_its_type(store: S3Store, s3: FakeS3) -> None:
    put(store)
    assert s3.objects == {f"/pictures/{ENCODED}": b"jpeg"}
    assert set(s3.types.values()) == {"image/jpeg"}


def test_a_refusal_says_what_s3_says_and_is_no_reason_to_ask_for_other_credentials(
    store: S3Store, s3: FakeS3, exchange: FakeExchange
) -> None:
    s3.refusals = [403, 503]
    with pytest.raises(UploadFailed, match="S3 says 403 AccessDenied"):
        put(store)
    with pytest.raises(UploadFailed, match="S3 says 503"):
        put(store)
    put(store)
    assert exchange.asked == 1


def test_a_server_that_nobody_vouches_for_gets_no_picture(exchange: FakeExchange, s3: FakeS3) -> None:
    with pytest.raises(UploadFailed, match="cannot be reached"):
        put(store_of(exchange, s3))
    assert s3.puts == 0


def test_credentials_are_kept_until_five_minutes_before_they_expire(store: S3Store, exchange: FakeExchange) -> None:
    exchange.valid_s = 290
    put(store)
    put(store)
    assert exchange.asked == 2
    exchange.valid_s = 3600
    put(store)
    put(store)
    assert exchange.asked == 3


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_service_that_refuses_is_named_and_the_next_try_is_a_new_one(
    store: S3Store, exchange: FakeExchange, status: int
) -> None:
    exchange.status = status
    with pytest.raises(UploadFailed, match=f"no credentials .* at http://localhost:{exchange.port}/.*: AWS_") as raised:
        put(store)
    assert exchange.token not in str(raised.value)
    assert SECRET_KEY not in str(raised.value)
    exchange.status = 200
    put(store)


@pytest.mark.parametrize("body", [b"null", b'{"AccessKeyId": 1}', b" " * 70_000])
def test_an_answer_without_credentials_is_an_upload_that_failed(
    store: S3Store, s3: FakeS3, exchange: FakeExchange, body: bytes
) -> None:
    exchange.body = body
    with pytest.raises(UploadFailed, match="no credentials from the token exchange service"):
        put(store)
    assert s3.puts == 0
    exchange.body = None
    put(store)


def test_who_does_not_know_the_token_gets_nothing(
    store: S3Store, exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "please")
    with pytest.raises(UploadFailed, match="HTTP_STATUS_FAILURE"):
        put(store)
    assert exchange.asked == 1


def test_an_answer_that_comes_late_is_the_next_tries(
    exchange: FakeExchange, s3: FakeS3, certificate: tuple[Path, Path, Path]
) -> None:
    exchange.delay_s = 0.5
    store = store_of(exchange, s3, 0.1, AWS_CA_BUNDLE=str(certificate[2]))
    with pytest.raises(UploadFailed, match=r"no answer within 0\.1 s"):
        put(store)
    put_in_the_end(store)
    assert exchange.asked == 1


def test_a_service_that_is_gone_or_silent_is_an_upload_that_failed_until_it_is_back(
    monkeypatch: pytest.MonkeyPatch, s3: FakeS3, certificate: tuple[Path, Path, Path]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        exchange = FakeExchange(port=silent.getsockname()[1])
        for name, value in exchange.environment.items():
            monkeypatch.setenv(name, value)
        store = store_of(exchange, s3, 0.2, AWS_CA_BUNDLE=str(certificate[2]))
        for _ in range(2):
            with pytest.raises(UploadFailed, match="no answer within"):
                put(store)
    patient = store_of(exchange, s3, AWS_CA_BUNDLE=str(certificate[2]))
    with pytest.raises(UploadFailed, match=r"no credentials from the token exchange service .*: AWS_"):
        put(patient)
    with serving(exchange):
        put(patient)
        put_in_the_end(store)


def test_a_service_that_is_not_deployed_is_asked_for(s3: FakeS3) -> None:
    with pytest.raises(UploadFailed, match="is the token exchange service deployed"):
        S3Store(REGION, {}, FakeClock()).put("pictures", KEY, b"jpeg", "image/jpeg")
    assert s3.puts == 0


def test_an_object_of_several_pieces_arrives_whole_and_with_its_type(store: S3Store, s3: FakeS3) -> None:
    large, small = bytes(SMALLEST_PIECE) + b"large", b"small"
    upload = store.begin("pictures", KEY, "video/mp4")
    tags = [store.put_piece("pictures", KEY, upload, number, body) for number, body in [(1, large), (2, small)]]
    assert s3.objects == {}
    store.finish("pictures", KEY, upload, tags)
    assert s3.objects == {f"/pictures/{ENCODED}": large + small}
    assert set(s3.types.values()) == {"video/mp4"}
    assert s3.pieces == {}


def test_an_upload_that_the_store_has_forgotten_is_said_to_be_gone(store: S3Store) -> None:
    with pytest.raises(UploadGone, match="S3 says 404 NoSuchUpload"):
        store.put_piece("pictures", KEY, "of-yesterday", 1, b"")
    with pytest.raises(UploadGone):
        store.finish("pictures", KEY, "of-yesterday", ["tag"])


def test_an_error_behind_a_good_status_is_an_upload_that_failed(store: S3Store, s3: FakeS3) -> None:
    upload = store.begin("pictures", KEY, "video/mp4")
    store.put_piece("pictures", KEY, upload, 1, b"piece")
    with pytest.raises(UploadFailed, match="S3 says InvalidPart"):
        store.finish("pictures", KEY, upload, ["<another>"])
    assert s3.objects == {}
