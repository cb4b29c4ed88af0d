"""One object into S3."""

import http.client
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from smartcam.contract.errors import UploadFailed
from smartcam.edge.clock import Clock
from smartcam.edge.pictures.exchange import CredentialsSource
from smartcam.edge.pictures.signing import PutRequest, encoded_path, signed_headers

_LIMIT_S: Final = 20.0
_LARGEST_ANSWER: Final = 8192
_CODE: Final = re.compile(rb"<Code>(\w{1,64})</Code>")


class ObjectStore(Protocol):
    """Where pictures go."""

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Raises UploadFailed unless the store has confirmed it."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is reached: `prefix` comes before the key."""

    host: str
    port: int
    prefix: str


def place_of(bucket: str, region: str, environment: Mapping[str, str]) -> Place:
    """The bucket's own host name, or a path below the endpoint that the environment names. Raises UploadFailed."""
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
    if not endpoint:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return Place(f"{bucket}.s3.{region}.{suffix}", 443, "/")
    parts = urlsplit(endpoint)
    if parts.scheme != "https" or not parts.hostname:
        raise UploadFailed(f"{endpoint} is no https address: pictures travel over TLS only")
    return Place(parts.hostname, parts.port or 443, f"/{bucket}/")


class S3Store:
    """An `ObjectStore` with credentials of the token exchange service. For one thread."""

    def __init__(self, source: CredentialsSource, region: str, environment: Mapping[str, str], clock: Clock) -> None:
        self._source = source
        self._region = region
        self._environment = environment
        self._clock = clock

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """See ObjectStore."""
        place = place_of(bucket, self._region, self._environment)
        host = place.host if place.port == 443 else f"{place.host}:{place.port}"  # noqa: PLR2004  https's own
        request = PutRequest(host, place.prefix + key, body, self._region, {"content-type": content_type})
        headers = signed_headers(request, self._source.credentials(), self._clock.utc())
        status, answer = self._send(place, encoded_path(request.path), body, headers)
        if status == http.HTTPStatus.OK:
            return
        if status in {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN}:
            self._source.forget()
        code = _CODE.search(answer)
        raise UploadFailed(f"S3 says {status} {code[1].decode() if code else ''}".rstrip())

    def _send(self, place: Place, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
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
