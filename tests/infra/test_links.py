"""Links to pictures: of the event's own device, an hour at most, and never at the cost of an alert."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.alerts.runtime.facts import PictureLink
from infra.snapshots.runtime.links import LONGEST_LINK_S, S3Pictures, pictures_from
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.snapshot import clip_object_key, snapshot_key
from tests.infra.sample import raised

KEY = snapshot_key(ThingName("yard-1"), CameraId("gate"), raised().event_id)
EVENT = raised(snapshot_key=KEY)


@dataclass
class FakeS3:
    error: Exception | None = None
    signed: list[tuple[Mapping[str, str], int]] = field(default_factory=list)

    def head_object(self, *, Bucket: str, Key: str) -> object:  # noqa: N803
        if self.error is not None:
            raise self.error
        return {"Bucket": Bucket, "Key": Key}

    def generate_presigned_url(self, method: str, *, Params: Mapping[str, str], ExpiresIn: int) -> str:  # noqa: N803
        self.signed.append((Params, ExpiresIn))
        return f"https://s3/{method}"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "HeadObject")


def test_a_picture_that_has_arrived_is_linked_for_an_hour() -> None:
    s3 = FakeS3()
    assert S3Pictures(s3, "pictures").link(EVENT) == PictureLink("https://s3/get_object", arrived=True, valid_s=3600)
    assert s3.signed == [({"Bucket": "pictures", "Key": KEY}, 3600)]


@pytest.mark.parametrize("code", ["404", "403", "NoSuchKey"])
def test_a_picture_that_has_not_arrived_is_linked_and_said_so(code: str) -> None:
    link = S3Pictures(FakeS3(refused(code)), "pictures").link(EVENT)
    assert link is not None
    assert not link.arrived


@pytest.mark.parametrize("error", [refused("SlowDown"), EndpointConnectionError(endpoint_url="https://s3")])
def test_no_alert_waits_for_s3(error: Exception) -> None:
    assert S3Pictures(FakeS3(error), "pictures").link(EVENT) is None


@pytest.mark.parametrize(
    "key",
    [None, KEY.replace("yard-1", "yard-2"), "snapshots/yard-10/gate/x.jpg", "secrets.txt", "/" + KEY],
)
def test_nobody_shows_another_devices_picture(key: str | None) -> None:
    s3 = FakeS3()
    assert S3Pictures(s3, "pictures").link(raised(snapshot_key=key)) is None
    assert s3.signed == []


def test_a_clip_is_linked_before_it_is_there_and_only_its_own_devices() -> None:
    s3 = FakeS3(refused("SlowDown"))
    own = clip_object_key(ThingName("yard-1"), CameraId("gate"), raised().event_id)
    link = S3Pictures(s3, "pictures").clip(raised(clip_object=own))
    assert link == PictureLink("https://s3/get_object", arrived=False, valid_s=3600)
    assert s3.signed == [({"Bucket": "pictures", "Key": own}, 3600)]
    for key in (None, own.replace("yard-1", "yard-2"), KEY):
        assert S3Pictures(s3, "pictures").clip(raised(clip_object=key)) is None


@pytest.mark.parametrize("seconds", [0, LONGEST_LINK_S + 1])
def test_no_link_lives_longer_than_an_hour(seconds: int) -> None:
    with pytest.raises(ValueError, match="an hour at most"):
        S3Pictures(FakeS3(), "pictures", seconds)


def test_without_a_bucket_there_are_no_pictures() -> None:
    assert pictures_from({}) is None
    assert pictures_from({"SNAPSHOT_BUCKET": ""}) is None


def test_a_link_goes_to_the_buckets_own_region_and_is_signed_with_version_four(aws: None) -> None:
    del aws
    client = boto3.client("s3", region_name="eu-west-1", config=Config(signature_version="s3v4"))
    client.create_bucket(Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    pictures = pictures_from({"SNAPSHOT_BUCKET": "pictures"})
    assert pictures is not None
    link = pictures.link(EVENT)
    assert link is not None
    assert not link.arrived
    parts = urlsplit(link.url)
    query = parse_qs(parts.query)
    assert parts.scheme == "https"
    assert parts.hostname == "pictures.s3.eu-west-1.amazonaws.com"
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["3600"]
