"""What is asked of SageMaker: its own model of itself would take it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.sagemaker import OWNER, check
from tools.train.job import TrainingSite, checked_job, job_name, model_key, request
from training.errors import TrainingError

ROLE = f"arn:aws:iam::{OWNER}:role/service/Training"
SITE = TrainingSite("eu-central-1", ROLE, "mine", "ml.m5.xlarge")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=48)


@given(target=TEXTS, size=st.integers(0, 1 << 42), has_labels=st.booleans())
def test_the_service_would_take_every_request(target: str, size: int, has_labels: bool) -> None:  # noqa: FBT001
    asked = request(SITE, job_name(target, NOON), {"target": target, "rate": 1e-3}, size, has_labels=has_labels)
    check("sagemaker", "CreateTrainingJob", asked)
    assert json.loads(asked["HyperParameters"]["target"]) == target
    assert len(asked["InputDataConfig"]) == 1 + has_labels
    assert all(each["DataSource"]["S3DataSource"]["S3Uri"].endswith("/") for each in asked["InputDataConfig"])
    assert asked["ResourceConfig"]["VolumeSizeInGB"] * (1 << 30) > size
    assert checked_job(asked["TrainingJobName"]) in model_key(asked["TrainingJobName"])


@pytest.mark.parametrize(
    ("region", "image"),
    [
        ("eu-central-1", "763104351884.dkr.ecr.eu-central-1.amazonaws.com/tensorflow-training:2.19.0-cpu-"),
        ("eu-south-2", "503227376785.dkr.ecr.eu-south-2.amazonaws.com/tensorflow-training:2.19.0-cpu-"),
        ("cn-north-1", "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/tensorflow-training:2.19.0-cpu-"),
        ("us-gov-west-1", "442386744353.dkr.ecr.us-gov-west-1.amazonaws.com/tensorflow-training:2.19.0-cpu-"),
    ],
)
def test_the_image_is_awss_own_in_the_same_region(region: str, image: str) -> None:
    assert TrainingSite(region, ROLE, "mine", "ml.m5.xlarge").image.startswith(image)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("region", ["", "Frankfurt", "eu-central-1/x", "eu-central-1\n"]),
        ("role", ["", "Training", "arn:aws:iam::1:role/x", f"arn:aws:iam::{OWNER}:user/x", ROLE + " "]),
        ("bucket", ["", "s3://mine", "mine/clips", "Mine", "m", "-mine"]),
        ("instance", ["", "m5.xlarge", "ml.m5", "ml.p3.2xlarge", "ml.g5.xlarge", "ml.trn1.2xlarge", "ml.m5.xlarge;x"]),
    ],
)
def test_what_the_service_would_not_take_is_refused_before_anything_is_uploaded(field: str, words: list[str]) -> None:
    good = {"region": "eu-central-1", "role": ROLE, "bucket": "mine", "instance": "ml.c5.2xlarge"}
    for word in words:
        with pytest.raises(TrainingError, match=f"^--{field} '" if word else f"^--{field} is missing: give "):
            TrainingSite(**good | {field: word})


def test_all_that_is_missing_is_said_at_once_with_its_options() -> None:
    with pytest.raises(TrainingError) as caught:
        TrainingSite("", "", "", "ml.m5.xlarge")
    said = str(caught.value)
    assert [part.split(" is missing")[0] for part in said.split("; ")] == ["--role", "--bucket", "--region"]
    assert "AWS_REGION" in said


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", "-a", "a" * 64, "a\n", "a b"])
def test_a_jobs_name_is_no_path(name: str) -> None:
    with pytest.raises(TrainingError, match="is no job's name"):
        checked_job(name)
