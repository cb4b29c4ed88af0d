"""S3 and SageMaker as far as a training meets them: requests are held against botocore's own model of the services."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

OWNER = "123456789012"


def refusal(code: str, status: int = 400, operation: str = "DescribeTrainingJob") -> ClientError:
    """What boto3 raises for a refusal of the service."""
    answer = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)  # type: ignore[arg-type]  # no more than is read


@cache
def model(service: str) -> ServiceModel:
    """Botocore's model of a service; SageMaker's takes a second to read."""
    return botocore.session.get_session().get_service_model(service)


def check(service: str, operation: str, request: dict[str, Any]) -> None:
    """Raises AssertionError where the service's own model would not take the request."""
    shape = model(service).operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    assert list(faults(shape, request, operation)) == []


def faults(shape: Any, value: Any, place: str) -> Iterator[str]:  # noqa: ANN401 - botocore's values
    """What botocore's validator lets pass and the service does not: enumerations, patterns, greatest lengths."""
    inner: list[tuple[Shape, Any, str]] = []
    if isinstance(shape, StructureShape):
        inner = [(shape.members[name], each, f"{place}.{name}") for name, each in value.items()]
    elif isinstance(shape, MapShape):
        inner = [(shape.key, each, f"{place} key") for each in value]
        inner += [(shape.value, each, f"{place}.{name}") for name, each in value.items()]
    elif isinstance(shape, ListShape):
        inner = [(shape.member, each, f"{place}[]") for each in value]
    elif isinstance(value, str):
        allowed, pattern = getattr(shape, "enum", None), shape.metadata.get("pattern")
        if (
            (allowed and value not in allowed)
            or (pattern and not re.fullmatch(pattern, value))
            or len(value) > shape.metadata.get("max", len(value))
        ):
            yield f"{place}: {value!r}"
    for each in inner:
        yield from faults(*each)


@dataclass(slots=True)
class FakeS3:
    """Objects by bucket and key; buckets belong to `OWNER`."""

    buckets: tuple[str, ...] = ("mine",)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def head_bucket(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's words
        check("s3", "HeadBucket", request)
        self._check(request["Bucket"], request.get("ExpectedBucketOwner"))
        return {}

    def put_object(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's words
        check("s3", "PutObject", request)
        self._check(request["Bucket"], request.get("ExpectedBucketOwner"))
        self.objects[request["Bucket"], request["Key"]] = request["Body"]
        return {}

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: dict[str, str]) -> None:  # noqa: N803 - boto3's
        self.put_object(Bucket=bucket, Key=key, Body=Path(path).read_bytes(), **ExtraArgs)

    def head_object(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's words
        check("s3", "HeadObject", request)
        if (request["Bucket"], request["Key"]) not in self.objects:
            raise refusal("404", 404, "HeadObject")
        return {"ContentLength": len(self.objects[request["Bucket"], request["Key"]])}

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[bucket, key])

    def _check(self, bucket: str, owner: str | None) -> None:
        if bucket not in self.buckets:
            raise refusal("404", 404, "HeadBucket")
        if owner not in {None, OWNER}:
            raise refusal("403", 403, "HeadBucket")


@dataclass(slots=True)
class FakeSageMaker:
    """Answers about a job what it is told to, one after the other; the last one again and again."""

    answers: Sequence[dict[str, Any] | Exception] = ({"TrainingJobStatus": "Completed"},)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0

    def create_training_job(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's words
        check("sagemaker", "CreateTrainingJob", request)
        if request["TrainingJobName"] in {job["TrainingJobName"] for job in self.jobs}:
            raise refusal("ResourceInUse", 400, "CreateTrainingJob")
        self.jobs.append(request)
        return {"TrainingJobArn": f"arn:aws:sagemaker:eu-central-1:{OWNER}:training-job/{request['TrainingJobName']}"}

    def describe_training_job(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's words
        check("sagemaker", "DescribeTrainingJob", request)
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer
