"""A training as SageMaker takes it: what is asked of the service, and which words it takes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from training.classifier.learning import plain_name
from training.errors import TrainingError

PROGRAM: Final = "entry.py"
CLIPS: Final = "clips"
LABELS: Final = "labels"
BUNDLE: Final = "bundle"
REPORT: Final = "report"
MADE: Final = frozenset(
    {
        *(f"{BUNDLE}/{name}" for name in ("manifest.json", "model.tflite", "golden_input.bin", "golden_output.json")),
        *(f"{REPORT}/{name}" for name in ("report.html", "card.md")),
    }
)
"""What a job makes, in the folder of its model."""
TOLD: Final = ("target", "network", "size", "budget", "epochs", "rate", "seed", "version", "name")
"""Options that travel as parameters of the job."""
_IMAGE: Final = "tensorflow-training:2.19.0-cpu-py312-ubuntu22.04-sagemaker"
"""AWS's newest image with TensorFlow (github.com/aws/deep-learning-containers, available images)."""
_USUAL_OWNER: Final = "763104351884"
_OWNERS: Final[Mapping[str, str]] = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
}
"""AWS's accounts that hold the image, by region, where it is not the usual one (aws/sagemaker-python-sdk)."""
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+){1,2}-\d")
_ROLE: Final = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/[\w+=,.@/-]{1,512}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_INSTANCE: Final = re.compile(r"ml\.([a-z0-9-]+)\.[0-9a-z]+")
_MEANT: Final[Mapping[str, str]] = {
    "role": "the ARN of a role, arn:PARTITION:iam::123456789012:role/NAME",
    "bucket": "a bucket's name, without s3:// and folders",
    "region": "a region such as eu-central-1, here or in AWS_REGION",
    "instance": "a machine without a GPU such as ml.m5.xlarge; the image and these small networks have no use for one",
}
_JOB: Final = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_NAME_OF_TARGET: Final = 32
_SPARE_GB: Final = 20
_GB: Final = 1 << 30
LONGEST_RUN_S: Final = 6 * 3600


@dataclass(frozen=True, slots=True)
class TrainingSite:
    """Where a job runs, and who pays: the region, the role that it takes on, the bucket, the kind of machine.

    Raises:
        TrainingError: a word of it is none that the service would take.
    """

    region: str
    role: str
    bucket: str
    instance: str

    def __post_init__(self) -> None:
        """See the class."""
        kind = _INSTANCE.fullmatch(self.instance)
        good = {
            "role": _ROLE.fullmatch(self.role),
            "bucket": _BUCKET.fullmatch(self.bucket),
            "region": _REGION.fullmatch(self.region),
            "instance": kind is not None and kind[1][0] not in "gpt",
        }
        faults = [_fault(name, getattr(self, name)) for name, is_good in good.items() if not is_good]
        if faults:
            raise TrainingError("; ".join(faults))

    @property
    def account(self) -> str:
        """The account of the role; the bucket must be the same one's."""
        found = _ROLE.fullmatch(self.role)
        return found[1] if found else ""

    @property
    def image(self) -> str:
        """The image with TensorFlow in this region."""
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return f"{_OWNERS.get(self.region, _USUAL_OWNER)}.dkr.ecr.{self.region}.{domain}/{_IMAGE}"


def _fault(name: str, word: str) -> str:
    return f"--{name} {word!r}: must be {_MEANT[name]}" if word else f"--{name} is missing: give {_MEANT[name]}"


def job_name(target: str, at: datetime) -> str:
    """A job's name; one account and region has each name once."""
    word = re.sub(r"[^a-zA-Z0-9]+", "-", plain_name(target)).strip("-")[:_NAME_OF_TARGET].strip("-")
    return f"smartcam-{word or 'clips'}-{at:%Y%m%d-%H%M%S}"


def checked_job(name: str) -> str:
    """The name. Raises TrainingError where no job can be called so: it becomes part of a key in the bucket."""
    if not _JOB.fullmatch(name):
        raise TrainingError(f"job {name!r}: is no job's name; `smartcam train clips --on sagemaker` said one")
    return name


def folder_of(job: str) -> str:
    """The place of all that belongs to a job in its bucket, without a slash at its end."""
    return f"smartcam/training/{job}"


def model_key(job: str) -> str:
    """The key of what a job made, as the service calls it."""
    return f"{folder_of(job)}/output/{job}/output/model.tar.gz"


def request(site: TrainingSite, job: str, lesson: Mapping[str, object], footage_bytes: int, *, has_labels: bool) -> Any:  # noqa: ANN401 - botocore's word
    """The words of CreateTrainingJob. `lesson`: options of `smartcam train clips` by name, for the entry point."""
    place = f"s3://{site.bucket}/{folder_of(job)}"
    parameters: dict[str, object] = {
        "sagemaker_program": PROGRAM,
        "sagemaker_submit_directory": f"{place}/source/sourcedir.tar.gz",
        "sagemaker_region": site.region,
        **lesson,
    }
    return {
        "TrainingJobName": job,
        "RoleArn": site.role,
        "AlgorithmSpecification": {"TrainingImage": site.image, "TrainingInputMode": "File"},
        "InputDataConfig": [_channel(name, place) for name in (CLIPS, *([LABELS] if has_labels else []))],
        "OutputDataConfig": {"S3OutputPath": f"{place}/output"},
        "ResourceConfig": {
            "InstanceType": site.instance,
            "InstanceCount": 1,
            "VolumeSizeInGB": _SPARE_GB + -(-footage_bytes // _GB),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST_RUN_S},
        # The image reads each value as JSON.
        "HyperParameters": {name: json.dumps(value) for name, value in parameters.items()},
    }


def _channel(name: str, place: str) -> dict[str, object]:
    # With the slash: "clips" alone would take what begins with it, too.
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{place}/{name}/", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}
