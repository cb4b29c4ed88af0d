"""The cloud of a demo: the local stand-in with the synthesised template deployed on it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.alerts.runtime.words.english import ENGLISH
from measure.demo.plan import EMAIL, PHONE, THING, DemoError
from measure.demo.report import DeliveredAlert
from smartcam.contract.ids import EventId
from smartcam.contract.times import UtcNs
from standins.cloud.device import DeviceIdentity
from standins.cloud.inbox import ReceivedMessage
from standins.cloud.local_cloud import LocalCloud
from tools.command_line import ROOT, Say
from tools.setup import Toolchain, node_environment

_STACK: Final = "SmartcamAlerts"
_PURPOSE: Final = "purpose"
"""The attribute that distinguishes an alert from the closing message, which counts what followed it."""
_EVENT_ITEM: Final = "event#"
_WHY: Final = (ENGLISH.labels["why"], ENGLISH.labels["scene"])
"""How the lines of an e-mail begin that say why there is an alert."""
_SYNTH_LIMIT_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class DemoCloud:
    """The deployed cloud, as a person and a device see it."""

    cloud: LocalCloud
    outputs: Mapping[str, str]
    identity: DeviceIdentity

    def alerts(self) -> list[DeliveredAlert]:
        """Every alert that has reached the person, oldest first."""
        received = (*self.cloud.emails(), *self.cloud.texts())
        return [_alert(delivery) for delivery in received if delivery.attributes.get(_PURPOSE) == "alert"]

    def held(self) -> frozenset[EventId]:
        """The events that the cooldown kept back."""
        table = self.cloud.client("dynamodb")
        pages = table.get_paginator("scan").paginate(TableName=self.outputs["TableName"])
        items = (item for page in pages for item in page["Items"])
        return frozenset(
            EventId(item["item"]["S"].removeprefix(_EVENT_ITEM))
            for item in items
            if item.get("alert_state", {}).get("S") == "SUPPRESSED"
        )


@contextmanager
def running_cloud(toolchain: Toolchain, folder: Path, cooldown_s: int, say: Say) -> Iterator[DemoCloud]:
    """Bring the cloud up, deploy, confirm the subscription and provision the device.

    Raises:
        DemoError: the template cannot be synthesised.
        LocalCloudError, DeployError: the cloud does not start or refuses the template.
    """
    with ThreadPoolExecutor(1) as beside:
        say("synthesising the template")
        assembly = beside.submit(synthesise, toolchain, folder / "cdk.out", cooldown_s)
        say("starting the local cloud")
        with LocalCloud(folder / "cloud", toolchain) as cloud:
            say("bootstrapping it")
            cloud.bootstrap()
            template = assembly.result()
            say("deploying the template (cdk deploy)")
            outputs = cloud.deploy(template, stacks=(_STACK,))[_STACK]
            say(f"confirming {cloud.confirm_subscriptions()} e-mail subscription, provisioning {THING}")
            yield DemoCloud(cloud, outputs, cloud.provision(THING, f"smartcam-{THING}"))


def synthesise(toolchain: Toolchain, target: Path, cooldown_s: int) -> Path:
    """Run the CDK app in a process of its own. Raises DemoError with its last line."""
    context = {"email": EMAIL, "phone": PHONE, "things": THING, "cooldown_seconds": str(cooldown_s)}
    context["sms_a_day_per_thing"] = "50"  # one device is the whole yard, and each of its events is to become an SMS
    command = [sys.executable, "-m", "infra.app", "--output", str(target)]
    command += [part for key, value in context.items() for part in ("--context", f"{key}={value}")]
    environment = {**os.environ, **node_environment(toolchain.node)}
    ran = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_SYNTH_LIMIT_S, check=False
    )
    if ran.returncode:
        raise DemoError("the template cannot be synthesised: " + (ran.stderr.strip().splitlines() or ["no reason"])[-1])
    return target


def _alert(delivery: ReceivedMessage) -> DeliveredAlert:
    why = tuple(line for line in delivery.body.splitlines() if line.startswith(_WHY))
    at = UtcNs(delivery.delivered_at_ns)
    return DeliveredAlert(EventId(delivery.event_id), str(delivery.channel), delivery.to, at, why)
