"""AWS credentials from the nucleus's token exchange service."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from smartcam.contract.errors import UploadFailed
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock

URI_VARIABLE: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN_VARIABLE: Final = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105  the variable's name
_KEEP_S: Final = 600
"""The service hands out credentials that are good for at least this long; it keeps them itself and answers at once."""
_LIMIT_S: Final = 10.0
_LARGEST_ANSWER: Final = 65_536
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """Temporary credentials; the secret parts are not shown where the object is printed."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)


class TokenExchange:
    """The service on this device. For one thread."""

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        self._uri = environment.get(URI_VARIABLE, "")
        self._token = environment.get(TOKEN_VARIABLE, "")
        self._clock = clock
        self._kept: Credentials | None = None
        self._kept_until = MonotonicNs(0)

    def credentials(self) -> Credentials:
        """Credentials that are good now. Raises UploadFailed."""
        now = self._clock.monotonic()
        if self._kept is None or now >= self._kept_until:
            self._kept = self._fetch()
            self._kept_until = MonotonicNs(now + _KEEP_S * NS_PER_S)
        return self._kept

    def forget(self) -> None:
        """These were refused: fetch others next time."""
        self._kept = None

    def _fetch(self) -> Credentials:
        parts = urlsplit(self._uri)
        if parts.scheme != "http" or parts.hostname not in _LOCAL:
            raise UploadFailed(f"{URI_VARIABLE} is no address on this device: is the token exchange service deployed?")
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_LIMIT_S)
        try:
            connection.request("GET", parts.path or "/", headers={"Authorization": self._token})
            answer = connection.getresponse()
            body = answer.read(_LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise UploadFailed(f"the token exchange service does not answer ({error})") from error
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise UploadFailed(f"the token exchange service says {answer.status} {answer.reason}")
        return _read(body)


def _read(body: bytes) -> Credentials:
    try:
        document = json.loads(body)
        return Credentials(document["AccessKeyId"], document["SecretAccessKey"], document["Token"])
    except (ValueError, KeyError, TypeError) as error:
        raise UploadFailed("the token exchange service's answer holds no credentials") from error
