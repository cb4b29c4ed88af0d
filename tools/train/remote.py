"""`smartcam train clips --on sagemaker`: the same training as a managed job, and its bundle back."""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's word
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from smartcam.contract.errors import ModelIntegrityError
from tools.command_line import ROOT, Say, new_parser, numbered, say
from tools.session import NO_CREDENTIALS, aws_session, error_code
from tools.train.films import files_of
from tools.train.finding import FoundFilms, find
from tools.train.guarding import guarded
from tools.train.job import CLIPS, LABELS, TOLD, TrainingSite, checked_job, folder_of, job_name, model_key, request
from tools.train.packed import MOST_BYTES, source_archive, unpack
from training.bundle import check_replaceable, replaced
from training.classifier.learning import DEMO_ENCODER
from training.errors import TrainingError

_EVERY_S: Final = 20.0
_MOST_FAULTS: Final = 15
"""As many unanswered questions in a row: five minutes without the service, which goes on without us."""
_DONE: Final = "Completed"
_ENDED: Final = frozenset({_DONE, "Failed", "Stopped"})
_NOT_SIGNED_IN: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    SSOError,
    TokenRetrievalError,
)
Sleep = Callable[[float], object]


@dataclass(frozen=True, slots=True)
class TrainingService:
    """The account's S3 and SageMaker: boto3's clients, or what stands in for them."""

    s3: Any
    sagemaker: Any

    @classmethod
    def of(cls, region: str | None) -> "TrainingService":
        """The ones that the environment points at. Raises TrainingError where it points at none."""
        session = aws_session(region)
        try:
            return cls(session.client("s3"), session.client("sagemaker"))
        except BotoCoreError as error:
            raise TrainingError(f"SageMaker: {error}; set AWS_REGION, or give --region") from error


@dataclass(frozen=True, slots=True)
class Luggage:
    """The files of the user's footage, with their names in its folder, and their labels."""

    clips: Sequence[tuple[str, Path]]
    labels: Path | None

    @property
    def size(self) -> int:
        """Bytes of all clips."""
        return sum(path.stat().st_size for _, path in self.clips)


def submit(
    service: TrainingService,
    site: TrainingSite,
    job: str,
    luggage: Luggage,
    lesson: Mapping[str, object],
    tell: Say = say,
) -> None:
    """Uploads footage and code, and starts the job. Raises TrainingError, OSError."""
    footage_bytes = luggage.size
    asked = request(site, job, lesson, footage_bytes, has_labels=luggage.labels is not None)
    place = folder_of(job)
    tell(
        f"uploads    {numbered(len(luggage.clips), 'file')}, {footage_bytes:,} bytes of your footage, to "
        f"s3://{site.bucket}/{place}; whoever may read that bucket can see them, and they stay until you delete them"
    )
    # Footage must not go to a bucket that someone else made under that name.
    owned = {"ExpectedBucketOwner": site.account}
    files = [(f"{CLIPS}/{name}", path) for name, path in luggage.clips]
    if luggage.labels is not None:
        files.append((f"{LABELS}/{LABELS}.json", luggage.labels))
    with _told_of(site.bucket):
        service.s3.head_bucket(Bucket=site.bucket, **owned)
        service.s3.put_object(
            Bucket=site.bucket, Key=f"{place}/source/sourcedir.tar.gz", Body=source_archive(), **owned
        )
        for number, (name, path) in enumerate(files):
            service.s3.upload_file(str(path), site.bucket, f"{place}/{name}", ExtraArgs=owned)
            tell(f"uploaded   {number + 1} of {len(files)}: {name}")
        service.sagemaker.create_training_job(**asked)
    tell(f"job        {job} on one {site.instance} in {site.region}; what an hour costs: docs/cost.md")


def watch_job(service: TrainingService, bucket: str, job: str, sleep: Sleep, tell: Say = say) -> None:
    """Returns when the job is completed, and says on the way what it does.

    Raises:
        TrainingError: it failed or was stopped, with the service's reason; or the service does not answer any more.
    """
    last, faults = "", 0
    while True:
        try:
            found = service.sagemaker.describe_training_job(TrainingJobName=job)
        except (BotoCoreError, ClientError) as error:
            faults += 1
            if faults >= _MOST_FAULTS or not _may_pass(error):
                hint = how_to_go_on(bucket, job) if last else _unseen(error, bucket, job)
                raise TrainingError(f"job {job}: cannot be asked about ({error}); {hint}") from error
            sleep(_EVERY_S)
            continue
        faults, status = 0, str(found["TrainingJobStatus"])
        now = f"{status}: {found.get('SecondaryStatus', '')}"
        if now != last:
            tell(f"job        {now}")
            last = now
        if status in _ENDED:
            break
        sleep(_EVERY_S)
    if status != _DONE:
        reason = str(found.get("FailureReason") or "no reason given; see CloudWatch, /aws/sagemaker/TrainingJobs")
        raise TrainingError(f"job {job}: {status.lower()}: {reason}; no bundle was made")
    tell(f"job        paid for {found.get('BillableTimeInSeconds', 0)} s")


def fetch(service: TrainingService, bucket: str, job: str, out: Path, report: Path) -> str:
    """Takes the bundle of a completed job to `out`, its report to `report`; returns the model's name.

    Raises:
        TrainingError: there is none, or what is there is none; what was in `out` is there still.
        OSError: it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="smartcam-job-") as folder, _told_of(bucket):
        archive, key = Path(folder) / "model.tar.gz", model_key(job)
        size = service.s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        if size > MOST_BYTES:
            raise TrainingError(f"s3://{bucket}/{key}: {size:,} bytes is more than any model of ours; nothing was kept")
        service.s3.download_file(bucket, key, str(archive))
        try:
            bundle = replaced(out, lambda made: unpack(archive, made, report))
        except ModelIntegrityError as error:
            raise TrainingError(f"what job {job} made is no bundle ({error}); nothing was kept") from error
    return bundle.manifest.name


def how_to_go_on(bucket: str, job: str) -> str:
    """What to type while, or after, a job runs by itself."""
    return (
        f"it goes on and costs until it ends; `smartcam train fetch {job} --bucket {bucket}` waits for its bundle, "
        f"`aws sagemaker stop-training-job --training-job-name {job}` ends it"
    )


def _unseen(error: Exception, bucket: str, job: str) -> str:
    """What to do about a job of which the service has not said anything."""
    if isinstance(error, _NOT_SIGNED_IN):
        return NO_CREDENTIALS
    if not _may_pass(error):
        return "see that its name is right, that it is in this --region, and that your credentials may ask about it"
    return f"if it runs, {how_to_go_on(bucket, job)}"


def await_bundle(service: TrainingService, bucket: str, job: str, places: tuple[Path, Path], sleep: Sleep) -> int:
    """Waits, fetches and says where everything is. Returns the exit code; Ctrl-C leaves the job running."""
    out, report = places
    try:
        watch_job(service, bucket, job, sleep)
    except KeyboardInterrupt:
        say(f"job        {job}: {how_to_go_on(bucket, job)}")
        return 130
    name = fetch(service, bucket, job, out, report)
    say(f"bundle     {out}: {name}\nreport     {report}")
    return 0


def train_there(options: argparse.Namespace, bundles: Path) -> int:
    """`smartcam train clips --on sagemaker`. Returns the exit code. Raises TrainingError, OSError."""
    if options.encoder != DEMO_ENCODER:
        raise TrainingError(f"--encoder {options.encoder}: only the demo's travels to SageMaker; leave it out")
    if options.out is not None:
        check_replaceable(options.out)  # better now than after an hour that costs
    region = options.region or aws_session().region_name or ""
    site = TrainingSite(region, options.role, options.bucket, options.instance)
    found = find(options.clips, options.labels, options.target, say)
    luggage = Luggage(_named(found, options.clips), options.labels)
    told = {name: getattr(options, name) for name in TOLD if getattr(options, name) not in {None, ""}}
    lesson = told | {"target": found.target}
    service, job = TrainingService.of(region), job_name(found.target, datetime.now(UTC))
    submit(service, site, job, luggage, lesson)
    if not options.wait:
        say(f"next       smartcam train fetch {job} --bucket {site.bucket} --region {region}")
        return 0
    return await_bundle(service, site.bucket, job, _places(options.out, options.report, job, bundles), time.sleep)


def fetch_bundle(argv: list[str]) -> int:
    """Waits for a job and takes its bundle. 0: it is there. 1: it is not, with one line on stderr."""
    parser = new_parser("train fetch", "train fetch: wait for a training in SageMaker, and take its bundle.")
    parser.add_argument("job", help="its name, as `smartcam train clips --on sagemaker` said it")
    parser.add_argument("--bucket", required=True, metavar="NAME", help="the bucket that was given there")
    parser.add_argument("--region", help="the region (AWS_REGION)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the bundle's folder (build/bundles/JOB)")
    parser.add_argument("--report", type=Path, metavar="DIR", help="where the page and the model card go")
    options = parser.parse_args(argv)

    def run() -> int:
        job = checked_job(options.job)
        places = _places(options.out, options.report, job, ROOT / "build/bundles")
        check_replaceable(places[0])
        return await_bundle(TrainingService.of(options.region), options.bucket, job, places, time.sleep)

    return guarded(run)


def _places(out: Path | None, report: Path | None, job: str, bundles: Path) -> tuple[Path, Path]:
    return out or bundles / job, report or ROOT / "build/training/reports" / job


def _named(found: FoundFilms, folder: Path) -> list[tuple[str, Path]]:
    """The files of the films, by their names in the folder; what was left out does not travel."""
    return [(path.relative_to(folder).as_posix(), path) for film in found.films for path in files_of(film)]


def _may_pass(error: Exception) -> bool:
    """Whether it is the network's or the service's own fault."""
    if not isinstance(error, ClientError):
        return isinstance(error, HTTPClientError | ConnectionError)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    return status >= 500 or "Throttl" in error_code(error)  # noqa: PLR2004


@contextmanager
def _told_of(bucket: str) -> Iterator[None]:
    """What AWS refuses, in one line."""
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        remedy = "see that the bucket is yours, in this region, and that your credentials may use it and pass the role"
        remedy = NO_CREDENTIALS if isinstance(error, _NOT_SIGNED_IN) else remedy
        raise TrainingError(f"SageMaker, bucket {bucket}: {error}; {remedy}") from error
