"""A region without SMS is named while it costs nothing, and AWS's fixed names are those of the partition."""

import re
from pathlib import Path

import pytest

from infra.app import main
from infra.regions import region_of, sms_remark
from infra.subscribers import SubscriberGroup
from smartcam.contract.errors import SettingsError
from tools.command_line import ROOT

CALLED = (SubscriberGroup("guards", emails=("anna@example.org",), phones=("+4915112345678",)),)
FIXED = re.compile(r"arn:aws[:\-]|\w\.amazonaws\.com")
PRINCIPALS = re.compile(r'"(?:\w+\.)?(?:iot|sns|lambda|cloudwatch)\.amazonaws\.com"')
"""The names of services are these in every partition."""


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1", "us-gov-west-1", "ap-northeast-1", "sa-east-1", None])
def test_nothing_is_said_where_sms_work_or_the_region_is_not_known(region: str | None) -> None:
    assert sms_remark(CALLED, region) == ""


@pytest.mark.parametrize("region", ["ap-east-1", "ap-southeast-5", "us-iso-east-1", "xx-new-1"])
def test_a_region_without_sms_is_named_where_phones_are(region: str) -> None:
    said = sms_remark(CALLED, region)
    assert region in said
    assert "SMS" in said
    assert "docs/alerts.md" in said


@pytest.mark.parametrize("region", ["cn-north-1", "cn-northwest-1"])
def test_phones_are_refused_in_china_where_aws_itself_says_that_it_has_no_sms(region: str) -> None:
    with pytest.raises(SettingsError, match=rf"phone = '1 number': AWS has no SMS in {region}: .*emails"):
        sms_remark(CALLED, region)


@pytest.mark.parametrize("region", ["cn-north-1", "ap-east-1"])
def test_nothing_is_said_of_sms_where_nobody_gets_any(region: str) -> None:
    assert sms_remark((SubscriberGroup(emails=("anna@example.org",)),), region) == ""


def test_the_region_is_the_clis_or_else_the_environments() -> None:
    assert region_of({"CDK_DEFAULT_REGION": "cn-north-1", "AWS_REGION": "eu-west-1"}) == "cn-north-1"
    assert region_of({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}) == "eu-west-1"
    assert region_of({"AWS_DEFAULT_REGION": "us-east-1"}) == "us-east-1"
    assert region_of({"CDK_DEFAULT_REGION": "", "AWS_REGION": ""}) is None


@pytest.mark.parametrize(
    ("region", "code", "said"),
    [
        ("ap-east-1", 0, "warning: phone: AWS's SDK knows no SMS in ap-east-1"),
        ("cn-north-1", 2, "error: phone = '1 number': AWS has no SMS in cn-north-1"),
    ],
)
def test_the_synthesis_says_so_in_one_line(
    region: str,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CDK_DEFAULT_REGION", region)
    assert main(["-c", "email=anna@example.org", "-c", "phone=+85251234567", "-o", str(tmp_path / "cdk.out")]) == code
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


def test_the_page_on_alerts_names_the_regions_that_are_named_here() -> None:
    page = (ROOT / "docs/alerts.md").read_text()
    for region in ("cn-north-1", "cn-northwest-1", "ap-east-1", "ap-southeast-5", "ap-southeast-7"):
        assert f"`{region}`" in page
        with_phones = [region in str(error) for error in _complaints(region)]
        assert with_phones == [True]


def _complaints(region: str) -> list[object]:
    try:
        return [sms_remark(CALLED, region)]
    except SettingsError as error:
        return [error]


@pytest.mark.parametrize("folder", ["tools", "infra", "components", "measure"])
def test_no_partition_is_fixed_in_the_code(folder: str) -> None:
    fixed = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in path.read_text().splitlines()
        if FIXED.search(PRINCIPALS.sub("", line)) and ".com.cn" not in line and "URL_SUFFIX" not in line
    ]
    assert fixed == []
