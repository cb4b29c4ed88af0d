"""AWS's signature, version 4, for the one kind of request that a device makes: putting an object into S3.

The standard library is enough for it; boto3 would bring 15 MB and half a second of imports to a device for one call.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from smartcam.contract.times import NS_PER_S, UtcNs

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Temporary credentials; the secret parts are not shown where the object is printed."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PutRequest:
    """An object to put: `path` begins with '/' and is not encoded yet; `headers` beside those that signing adds."""

    host: str
    path: str
    body: bytes
    region: str
    headers: Mapping[str, str] = field(default_factory=dict)


def encoded_path(path: str) -> str:
    """The path as it is signed and sent."""
    return quote(path, safe="/-_.~")


def signed_headers(request: PutRequest, credentials: Credentials, at: UtcNs) -> dict[str, str]:
    """All headers of the request, signed."""
    moment = _EPOCH + timedelta(seconds=at // NS_PER_S)
    stamp, day = f"{moment:%Y%m%dT%H%M%SZ}", f"{moment:%Y%m%d}"
    payload_hash = hashlib.sha256(request.body).hexdigest()
    headers = {
        **{name.lower(): value for name, value in request.headers.items()},
        "host": request.host,
        "x-amz-content-sha256": payload_hash,
        "x-amz-date": stamp,
        "x-amz-security-token": credentials.session_token,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    canonical = "\n".join(["PUT", encoded_path(request.path), "", lines, names, payload_hash])
    scope = f"{day}/{request.region}/s3/aws4_request"
    to_sign = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(_key(credentials, day, request.region), to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"{credentials.access_key}/{scope}"
    headers["authorization"] = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return headers


def _key(credentials: Credentials, day: str, region: str) -> bytes:
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
