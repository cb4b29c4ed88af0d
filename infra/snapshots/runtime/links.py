"""Links to pictures and clips, good for an hour at most. A link may be made before what it shows has arrived."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.alerts.runtime.facts import PictureLink
from smartcam.contract.event import Event
from smartcam.contract.snapshot import clip_objects_of, snapshots_of

logger = logging.getLogger(__name__)

LONGEST_LINK_S: Final = 3600
BUCKET_VARIABLE: Final = "SNAPSHOT_BUCKET"
_ABSENT: Final = frozenset({"404", "403", "NoSuchKey", "NotFound", "AccessDenied", "Forbidden"})


class PictureClient(Protocol):
    """The two calls we make to S3; the second one is made without a request."""

    def head_object(self, *, Bucket: str, Key: str) -> object:  # noqa: N803 - the names are AWS's
        """Ask for an object."""

    def generate_presigned_url(self, method: str, *, Params: Mapping[str, str], ExpiresIn: int) -> str:  # noqa: N803
        """Sign a link."""


@dataclass(frozen=True, slots=True)
class S3Pictures:
    """`Pictures` in a private bucket. A link dies with the session of the role that signed it, or after `valid_s`."""

    client: PictureClient
    bucket: str
    valid_s: int = LONGEST_LINK_S

    def __post_init__(self) -> None:
        """Raises ValueError for links that would live longer than promised."""
        if not 0 < self.valid_s <= LONGEST_LINK_S:
            raise ValueError(f"a link lives for an hour at most, not for {self.valid_s} s")

    def link(self, event: Event) -> PictureLink | None:
        """See Pictures."""
        return self._link(event, event.snapshot_key, snapshots_of(event.thing), self._has)

    def clip(self, event: Event) -> PictureLink | None:
        """See Pictures. It is not asked for: it hardly ever is there before its event has ended."""
        return self._link(event, event.clip_object, clip_objects_of(event.thing), lambda _: False)

    def _link(self, event: Event, key: str | None, own: str, has: Callable[[str], bool]) -> PictureLink | None:
        if key is None:
            return None
        if not key.startswith(own):  # one device must not show another's
            logger.warning("link_refused event_id=%s key=%s", event.event_id, key)
            return None
        try:
            arrived = has(key)
            url = self.client.generate_presigned_url(
                "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=self.valid_s
            )
        except (BotoCoreError, ClientError) as error:
            logger.warning("link_unavailable event_id=%s error=%s", event.event_id, error)
            return None
        return PictureLink(url, arrived, self.valid_s)

    def _has(self, key: str) -> bool:
        try:
            self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT:
                raise
            return False
        return True


def pictures_from(environment: Mapping[str, str]) -> S3Pictures | None:
    """The pictures of a stack; None unless it has a bucket for them."""
    bucket = environment.get(BUCKET_VARIABLE, "")
    if not bucket:
        return None
    # A function without pictures does not pay for loading these.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=2,
        read_timeout=3,
        retries={"mode": "standard", "total_max_attempts": 2},
        signature_version="s3v4",
        # Without this a link names the global endpoint, which sends a browser on to a host that was not signed.
        s3={"addressing_style": "virtual"},
    )
    return S3Pictures(boto3.client("s3", config=config), bucket)
