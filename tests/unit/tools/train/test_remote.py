"""A training elsewhere: what is uploaded and said, and how each end of a job ends here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    UnauthorizedSSOTokenError,
)

from tests.clips import moving_square, write_clip
from tests.fakes.sagemaker import FakeS3, FakeSageMaker, refusal
from tests.unit.tools.train.test_job import ROLE
from tests.unit.tools.train.test_packed import good, made
from tools.train import remote
from tools.train.command import main
from tools.train.job import model_key
from tools.train.remote import TrainingService, fetch, watch_job
from training.errors import TrainingError

THERE = ["--on", "sagemaker", "--role", ROLE, "--bucket", "mine", "--region", "eu-central-1"]
AWAY = EndpointConnectionError(endpoint_url="https://api.sagemaker.eu-central-1.amazonaws.com")


class Account:
    """An account in which a job makes `made` when it is completed."""

    def __init__(self, answers: Sequence[Any], content: bytes | None) -> None:
        self.s3, self.sagemaker = FakeS3(), FakeSageMaker(answers)
        self._content = content
        self.slept: list[float] = []

    def service(self, _: str | None = None) -> TrainingService:
        return TrainingService(self.s3, self.sagemaker)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        for job in self.sagemaker.jobs:
            if self._content is not None:
                self.s3.objects["mine", model_key(job["TrainingJobName"])] = self._content


def states(*words: str, **more: str) -> list[dict[str, Any]]:
    return [{"TrainingJobStatus": word, "SecondaryStatus": "Training", **more} for word in words]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made_there = Account(states("InProgress", "InProgress", "Completed"), made(good()))
    monkeypatch.setattr(remote.TrainingService, "of", made_there.service)
    monkeypatch.setattr("tools.train.remote.time.sleep", made_there.sleep)
    return made_there


@pytest.fixture
def clips(tmp_path: Path) -> list[str]:
    """The words for a folder with a good clip, one that is none and one without an entry, and their labels."""
    folder = tmp_path / "Clips of mine"
    (folder / "gate").mkdir(parents=True)
    write_clip(folder / "gate/a.mp4", moving_square(frames=40))
    write_clip(folder / "unknown.mp4", moving_square(frames=41))
    (folder / "damaged.mp4").write_bytes(b"no clip")
    labels = tmp_path / "private.json"
    labels.write_text(json.dumps({name: {"person": [[5, 9]]} for name in ("a.mp4", "damaged.mp4")}))
    return ["clips", str(folder), "--labels", str(labels)]


def test_a_training_elsewhere_uploads_what_it_uses_and_brings_the_bundle_back(
    account: Account, clips: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--out", str(tmp_path / "out"), "--report", str(tmp_path / "report")]
    assert main([*clips, *THERE, *places, "--wait", "--epochs", "3"]) == 0
    [job] = account.sagemaker.jobs
    place = f"smartcam/training/{job['TrainingJobName']}"
    uploaded = {key.removeprefix(f"{place}/") for _, key in account.s3.objects if "/output/" not in key}
    assert uploaded == {"clips/gate/a.mp4", "labels/labels.json", "source/sourcedir.tar.gz"}
    assert json.loads(job["HyperParameters"]["epochs"]) == 3
    assert json.loads(job["HyperParameters"]["target"]) == "person"
    assert (tmp_path / "out/manifest.json").exists()
    assert (tmp_path / "report/card.md").exists()
    said = capsys.readouterr().out
    size = (tmp_path / "Clips of mine/gate/a.mp4").stat().st_size
    assert f"uploads    1 file, {size:,} bytes of your footage, to s3://mine/{place}" in said
    assert said.index("uploads  ") < said.index("uploaded ")
    assert said.count("InProgress") == 1


def test_without_waiting_the_command_that_fetches_is_said_and_works(
    account: Account, clips: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*clips, *THERE]) == 0
    assert account.sagemaker.asked == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("next ")]
    words = line.split()[3:]
    assert main([*words, "--out", str(tmp_path / "out"), "--report", str(tmp_path / "report")]) == 0
    assert (tmp_path / "out/manifest.json").exists()


def test_a_bucket_of_somebody_else_gets_nothing(
    account: Account, clips: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    there = [word.replace("123456789012", "210987654321") for word in THERE]
    assert main([*clips, *there]) == 1
    assert account.s3.objects == {}
    assert account.sagemaker.jobs == []
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    "wrong", [["--role", "x"], ["--bucket", "s3://x"], ["--instance", "large"], ["--encoder", "e"]]
)
def test_a_wrong_word_ends_in_one_line_before_anything_is_uploaded(
    account: Account, clips: list[str], wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*clips, *THERE, *wrong]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert wrong[0] in line
    assert account.s3.objects == {}


@pytest.mark.parametrize("end", ["Failed", "Stopped"])
def test_a_job_that_ends_badly_says_the_services_reason_and_leaves_the_bundle_before(
    account: Account, clips: list[str], end: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account.sagemaker.answers = [*states("InProgress"), *states(end, FailureReason="AlgorithmError: of the time ...")]
    assert main([*clips, *THERE, "--wait", "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{end.lower()}: AlgorithmError: of the time ...; no bundle was made" in line
    assert not (tmp_path / "out").exists()


def test_a_job_that_says_nothing_of_why_it_failed_names_its_log() -> None:
    away = Account(states("Failed"), None)
    with pytest.raises(TrainingError, match="no reason given; see CloudWatch"):
        watch_job(away.service(), "mine", "job", away.sleep)


def test_a_network_that_is_away_for_a_while_ends_no_watch_and_one_that_stays_away_ends_it() -> None:
    passing = [AWAY, refusal("ThrottlingException"), refusal("InternalFailure", 500), *states("Completed")]
    account = Account(passing, None)
    watch_job(account.service(), "mine", "job", account.sleep)
    assert len(account.slept) == 3
    away = Account([AWAY], None)
    with pytest.raises(TrainingError, match="it goes on and costs until it ends"):
        watch_job(away.service(), "mine", "job", away.sleep)
    with pytest.raises(TrainingError, match="cannot be asked about"):
        watch_job(Account([refusal("ValidationException")], None).service(), "mine", "job", away.sleep)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (NoCredentialsError(), "set AWS_PROFILE, or AWS_ACCESS_KEY_ID"),
        (PartialCredentialsError(provider="env", cred_var="secret_key"), "set AWS_PROFILE"),
        (UnauthorizedSSOTokenError(), "set AWS_PROFILE"),
        (refusal("UnrecognizedClientException"), "see that its name is right, that it is in this --region"),
        (refusal("ValidationException"), "see that its name is right"),
        (AWAY, "if it runs, it goes on and costs until it ends"),
    ],
)
def test_of_a_job_that_nobody_has_seen_nothing_is_claimed(error: Exception, remedy: str) -> None:
    account = Account([error], None)
    with pytest.raises(TrainingError, match="cannot be asked about") as caught:
        watch_job(account.service(), "mine", "job", account.sleep)
    assert remedy in str(caught.value)
    assert ("it goes on" in str(caught.value)) == (error is AWAY)
    assert bool(account.slept) == (error is AWAY), "what does not pass is not waited for"


def test_credentials_that_end_while_a_job_runs_leave_it_and_say_how_to_go_on() -> None:
    account = Account([*states("InProgress"), refusal("ExpiredTokenException")], None)
    with pytest.raises(TrainingError, match=r"\(.*ExpiredTokenException.*\); it goes on and costs until it ends"):
        watch_job(account.service(), "mine", "job", account.sleep)


def test_without_credentials_nothing_is_uploaded_and_the_remedy_is_theirs(
    account: Account, clips: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unsigned(*_: object, **__: object) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(type(account.s3), "head_bucket", unsigned)
    assert main([*clips, *THERE]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Unable to locate credentials; remedy: set AWS_PROFILE" in line


def test_what_is_missing_for_a_training_elsewhere_is_said_before_the_footage_is_read(
    clips: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setattr("tools.train.remote.find", lambda *_: pytest.fail("read"))
    assert main([*clips, "--on", "sagemaker"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "--role is missing: give the ARN" in line
    assert "--bucket is missing" in line
    assert "--region is missing: give a region such as eu-central-1, here or in AWS_REGION" in line


def test_ctrl_c_leaves_the_job_and_says_how_to_go_on_and_how_to_end_it(
    account: Account, clips: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.train.remote.time.sleep", interrupted)
    assert main([*clips, *THERE, "--wait"]) == 130
    said = capsys.readouterr().out
    [job] = account.sagemaker.jobs
    assert f"smartcam train fetch {job['TrainingJobName']} --bucket mine" in said
    assert f"stop-training-job --training-job-name {job['TrainingJobName']}" in said


@pytest.mark.parametrize("content", [None, b"", b"no archive", made({"bundle/manifest.json": b"{}"})])
def test_a_job_that_made_no_bundle_leaves_the_one_before(content: bytes | None, tmp_path: Path) -> None:
    account = Account(states("Completed"), content)
    if content is not None:
        account.s3.objects["mine", model_key("job")] = content
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text("before")
    with pytest.raises(TrainingError):
        fetch(account.service(), "mine", "job", out, tmp_path / "report")
    assert (out / "manifest.json").read_text() == "before"
    assert not (tmp_path / "report").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
