"""Quiet hours on the deployed alerting: a night of a minute or two, in Chinese, in a zone of its own."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from smartcam.contract.event import Severity
from tests.infra.local_site import FAILURES, Site, deployed, fresh, ids_of, wait_until
from tools.command_line import ROOT

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
LONGEST_NIGHT_S: Final = 120
GRACE_S: Final = 60
PATIENCE_S: Final = 60.0

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.soak,
    pytest.mark.skipif(not (ROOT / ".venv-cloud").is_dir(), reason="the local cloud is not set up (.venv-cloud)"),
]


def night() -> tuple[str, datetime]:
    """Quiet hours that run now and end with the minute after this one."""
    now = datetime.now(SHANGHAI)
    ends = now.replace(second=0, microsecond=0) + timedelta(minutes=2)
    return f"{now - timedelta(hours=1):%H:%M}-{ends:%H:%M}", ends


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with deployed(tmp_path, {"language": "zh", "time_zone": "Asia/Shanghai", "cooldown_seconds": "300"}) as there:
        yield there


def test_held_alerts_become_one_digest_when_quiet_hours_end(site: Site) -> None:
    quiet, ends = night()
    begins, until = quiet.split("-")
    function = site.outputs["FunctionName"]
    variables = site.client("lambda").get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    site.configure(AUDIENCE=variables["AUDIENCE"].replace('"quiet":[]', f'"quiet":["{begins}","{until}"]'))
    device, held = site.connect(), [fresh("gate"), fresh("gate"), fresh("door")]
    urgent = fresh("cellar", severity=Severity.CRITICAL)
    for event in (*held, urgent):
        device.send(event)
    assert device.accepted(4) == ids_of([*held, urgent])
    assert [site.state_of(event) for event in (*held, urgent)] == ["HELD", "HELD", "HELD", "SENT"]
    wait_until(lambda: len(site.told("alert")) == 1)
    wait_until(lambda: bool(site.told("digest")), LONGEST_NIGHT_S + GRACE_S + PATIENCE_S)
    assert time.time() >= ends.timestamp() + GRACE_S
    [digest] = site.told("digest")
    assert digest.subject.startswith("免打扰时段：2处共3次")
    assert all(event.event_id in digest.body for event in held)
    wait_until(lambda: len(site.cloud.texts()) == 2)
    assert site.cloud.texts()[-1].body == f"Smartcam> 免打扰时段（至{until}）共3次：gate 2，door 1"
    assert {queue: site.waiting(queue) for queue in FAILURES} == {queue: [] for queue in FAILURES}
