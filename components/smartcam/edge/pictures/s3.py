"""Puts objects into S3, in one piece or in several, signed by the AWS client of the nucleus's connection."""

import hashlib
import http.client
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape, unescape

from awscrt.auth import (
    AwsCredentials,
    AwsCredentialsProvider,
    AwsSignedBodyHeaderType,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.exceptions import AwsCrtError
from awscrt.http import HttpHeaders, HttpRequest
from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup

from smartcam.contract.errors import UploadFailed
from smartcam.contract.times import EPOCH, NS_PER_S, UtcNs
from smartcam.edge.clock import Clock

URI_VARIABLE: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_LIMIT_S: Final = 20.0
_CREDENTIALS_LIMIT_S: Final = 10.0
_LARGEST_ANSWER: Final = 8192
_CODE: Final = re.compile(rb"<Code>(\w{1,64})</Code>")
_UPLOAD: Final = re.compile(rb"<UploadId>([\x21-\x3b\x3d-\x7e]{1,1024})</UploadId>")
_GONE: Final = b"NoSuchUpload"


class ObjectStore(Protocol):
    """Where pictures go."""

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Store an object in one piece. Raises UploadFailed unless the store has confirmed it."""
        ...


class PieceStore(ObjectStore, Protocol):
    """Where clips go. Every method raises UploadFailed unless the store has confirmed it."""

    def begin(self, bucket: str, key: str, content_type: str) -> str:
        """Begin an object of several pieces; gives the upload's id."""
        ...

    def put_piece(self, bucket: str, key: str, upload: str, number: int, body: bytes) -> str:
        """Store a piece, numbered from 1; gives its tag. All but the last have 5 MiB at least.

        Raises:
            UploadGone: the store has forgotten the upload.
        """
        ...

    def finish(self, bucket: str, key: str, upload: str, tags: Sequence[str]) -> None:
        """Make an object of the pieces with these tags. Raises UploadGone as `put_piece` does."""
        ...


class UploadGone(UploadFailed):
    """There is no such upload any more: begin anew."""


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Where a bucket is reached: `prefix` comes before the key."""

    host: str
    port: int
    prefix: str


def address_of(bucket: str, region: str, environment: Mapping[str, str]) -> BucketAddress:
    """The bucket's own host name, or a path below the endpoint that the environment names. Raises UploadFailed."""
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
    if not endpoint:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return BucketAddress(f"{bucket}.s3.{region}.{suffix}", 443, "/")
    parts = urlsplit(endpoint)
    if parts.scheme != "https" or not parts.hostname:
        raise UploadFailed(f"{endpoint} is no https address: pictures travel over TLS only")
    return BucketAddress(parts.hostname, parts.port or 443, f"/{bucket}/")


def token_exchange() -> AwsCredentialsProvider:
    """The service on this device, as the process's environment names it; the start script shuts out all other sources.

    It keeps credentials for a quarter of an hour, or until five minutes before they expire, and no failure.
    """
    loops = EventLoopGroup(num_threads=1)
    return AwsCredentialsProvider.new_default_chain(ClientBootstrap(loops, DefaultHostResolver(loops)))


def sign(request: HttpRequest, body: bytes, credentials: AwsCredentials, region: str, at: UtcNs) -> dict[str, str]:
    """All headers of a request with this body, signed; its path is encoded already. Raises UploadFailed."""
    keys = (credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    config = AwsSigningConfig(
        credentials_provider=AwsCredentialsProvider.new_static(*keys),
        region=region,
        service="s3",
        date=EPOCH + timedelta(seconds=at // NS_PER_S),
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
        signed_body_value=hashlib.sha256(body).hexdigest(),
        signed_body_header_type=AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
    )
    try:
        return dict(aws_sign_request(request, config).result(_LIMIT_S).headers)
    except (AwsCrtError, TimeoutError) as error:
        raise UploadFailed(f"the upload cannot be signed ({error})") from error


class S3Store:
    """An `ObjectStore` for one thread, with credentials of the token exchange service that the environment names."""

    def __init__(
        self,
        region: str,
        environment: Mapping[str, str],
        clock: Clock,
        credentials_limit_s: float = _CREDENTIALS_LIMIT_S,
    ) -> None:
        self._provider: AwsCredentialsProvider | None = None
        self._region = region
        self._environment = environment
        self._clock = clock
        self._credentials_limit_s = credentials_limit_s

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """See ObjectStore."""
        self._ask("PUT", bucket, key, body=body, content_type=content_type)

    def begin(self, bucket: str, key: str, content_type: str) -> str:
        """See ObjectStore."""
        _, answer = self._ask("POST", bucket, key, "uploads=", content_type=content_type)
        return _found(_UPLOAD, answer)

    def put_piece(self, bucket: str, key: str, upload: str, number: int, body: bytes) -> str:
        """See ObjectStore."""
        tag, _ = self._ask("PUT", bucket, key, f"partNumber={number}&uploadId={_quoted(upload)}", body)
        if not tag:
            raise UploadFailed("S3 has given no tag for a piece")
        return tag

    def finish(self, bucket: str, key: str, upload: str, tags: Sequence[str]) -> None:
        """See ObjectStore."""
        pieces = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(tags, start=1)
        )
        body = f"<CompleteMultipartUpload>{pieces}</CompleteMultipartUpload>".encode()
        _, answer = self._ask("POST", bucket, key, f"uploadId={_quoted(upload)}", body, "application/xml")
        if b"<Error>" in answer:  # with status 200: S3 begins to answer before it knows
            raise UploadFailed(f"S3 says {_found(_CODE, answer)}")

    def _ask(
        self, method: str, bucket: str, key: str, query: str = "", body: bytes = b"", content_type: str = ""
    ) -> tuple[str, bytes]:
        """One request: the tag that came with the answer, and the answer."""
        place = address_of(bucket, self._region, self._environment)
        host = place.host if place.port == 443 else f"{place.host}:{place.port}"  # noqa: PLR2004  https's own
        path = quote(place.prefix + key, safe="/-_.~") + (f"?{query}" if query else "")
        typed = [("content-type", content_type)] if content_type else []
        request = HttpRequest(method, path, HttpHeaders([*typed, ("host", host)]))
        headers = sign(request, body, self._credentials(), self._region, self._clock.utc())
        status, tag, answer = self._send(place, method, path, body, headers)
        if status == http.HTTPStatus.OK:
            return tag, answer
        code = _CODE.search(answer)
        said = f"S3 says {status} {code[1].decode() if code else ''}".rstrip()
        raise UploadGone(said) if code and code[1] == _GONE else UploadFailed(said)

    def _credentials(self) -> AwsCredentials:
        """Credentials that are good now. A request that is not answered in time goes on: the next call awaits it."""
        address = self._environment.get(URI_VARIABLE)
        if not address:
            raise UploadFailed(f"{URI_VARIABLE} is not set: is the token exchange service deployed?")
        if self._provider is None:  # made late: most devices upload nothing, and it takes two megabytes
            self._provider = token_exchange()
        try:
            return self._provider.get_credentials().result(self._credentials_limit_s)
        except AwsCrtError as error:
            reason = f"{error.name}; its own log says more"
        except TimeoutError:
            reason = f"no answer within {self._credentials_limit_s:g} s"
        raise UploadFailed(f"no credentials from the token exchange service at {address}: {reason}")

    def _send(
        self, place: BucketAddress, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        context = ssl.create_default_context(cafile=self._environment.get("AWS_CA_BUNDLE") or None)
        connection = http.client.HTTPSConnection(place.host, place.port, timeout=_LIMIT_S, context=context)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.getheader("ETag", ""), answer.read(_LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise UploadFailed(f"S3 cannot be reached ({error})") from error
        finally:
            connection.close()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _found(pattern: re.Pattern[bytes], answer: bytes) -> str:
    found = pattern.search(answer)
    if found is None:
        raise UploadFailed("S3's answer is none that is known")
    return unescape(found[1].decode())
