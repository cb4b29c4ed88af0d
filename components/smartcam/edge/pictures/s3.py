"""Puts one object into S3, signed by the AWS client that the nucleus's connection brings along."""

import hashlib
import http.client
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

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


class ObjectStore(Protocol):
    """Where pictures go."""

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Raises UploadFailed unless the store has confirmed it."""
        ...


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


def sign_put(request: HttpRequest, body: bytes, credentials: AwsCredentials, region: str, at: UtcNs) -> dict[str, str]:
    """All headers of a PUT of this body, signed; its path is encoded already. Raises UploadFailed."""
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
        place = address_of(bucket, self._region, self._environment)
        host = place.host if place.port == 443 else f"{place.host}:{place.port}"  # noqa: PLR2004  https's own
        path = quote(place.prefix + key, safe="/-_.~")
        request = HttpRequest("PUT", path, HttpHeaders([("content-type", content_type), ("host", host)]))
        headers = sign_put(request, body, self._credentials(), self._region, self._clock.utc())
        status, answer = self._send(place, path, body, headers)
        if status == http.HTTPStatus.OK:
            return
        code = _CODE.search(answer)
        raise UploadFailed(f"S3 says {status} {code[1].decode() if code else ''}".rstrip())

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

    def _send(self, place: BucketAddress, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=self._environment.get("AWS_CA_BUNDLE") or None)
        connection = http.client.HTTPSConnection(place.host, place.port, timeout=_LIMIT_S, context=context)
        try:
            connection.request("PUT", path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read(_LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise UploadFailed(f"S3 cannot be reached ({error})") from error
        finally:
            connection.close()
