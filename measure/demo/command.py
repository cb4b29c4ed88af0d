"""`smartcam demo`: from camera clip to delivered alert."""

import argparse
import math
import time
from pathlib import Path

from measure.demo.plan import CLIP_FOLDER, DEMO_FOLDER, DemoError, DemoPlan
from measure.demo.report import DemoReport
from measure.demo.run import Demo
from measure.demo.yard_clip import yard_clip
from smartcam.contract.errors import SmartcamError
from smartcam.contract.ids import camera_id
from smartcam.edge.arguments import whole
from standins.cloud.cdk import DeployError
from standins.cloud.folder import LocalCloudError
from standins.nucleus.profile import PROFILES
from tools.build.suite import DEMO_BUNDLE, BuildError
from tools.command_line import Say, complain
from tools.model.getting import bundle_named
from tools.setup import ToolsError

_LONGEST_COOLDOWN_S = 86_400


def main(argv: list[str]) -> int:
    """0: every event became exactly one alert per channel. 1: not. 2: it could not be run. 130: interrupted."""
    arguments = _parser().parse_args(argv)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:6.1f}  {line}", flush=True)

    try:
        plan = DemoPlan(
            clip=arguments.video,
            bundle=arguments.bundle if arguments.model is None else bundle_named(arguments.model, say),
            cooldown_s=arguments.cooldown,
            camera=camera_id(arguments.camera),
            folder=arguments.folder.resolve(),
            built=arguments.built.resolve() if arguments.built else None,
            profile=arguments.profile,
            console=arguments.console,
        )
        plan.check()
        clip = plan.clip or yard_clip(CLIP_FOLDER, say)
        report = Demo(plan, clip, say).run()
    except KeyboardInterrupt:
        return complain("demo", "interrupted; nothing is left running", 130)
    except (SmartcamError, DemoError, BuildError, LocalCloudError, DeployError, ToolsError, OSError) as error:
        return complain("demo", error, 2)
    _sum_up(report, plan, say)
    return 0 if report.complete else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smartcam demo", description=__doc__)
    parser.add_argument("--video", type=Path, help="the clip that plays the camera (a generated yard)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--bundle", type=Path, default=DEMO_BUNDLE, help="the model bundle (the demo's)")
    which.add_argument("--model", metavar="NAME", help="get this model of `smartcam model list` instead")
    parser.add_argument(
        "--cooldown", type=whole(0, _LONGEST_COOLDOWN_S), default=0, metavar="SECONDS", help="between two alerts (0)"
    )
    parser.add_argument("--camera", default="yard", help="the camera's id (yard)")
    parser.add_argument(
        "--built", type=Path, help="deploy this build as it is: the Runtime installs the packages that it carries"
    )
    parser.add_argument("--profile", choices=sorted(PROFILES), default="lite", help="which nucleus (lite)")
    parser.add_argument("--console", action="store_true", help="run the local web page too, and say its address")
    parser.add_argument("--folder", type=Path, default=DEMO_FOLDER, help="where everything goes (build/demo)")
    return parser


def _sum_up(report: DemoReport, plan: DemoPlan, say: Say) -> None:
    say(f"{len(report.raised)} events, {len(report.alerts)} alerts, lost {report.lost}, duplicates {report.duplicates}")
    if report.held:
        say(f"{report.held} events were held by the cooldown of {plan.cooldown_s} s")
    if not report.raised:
        say("nothing was raised: does the clip show anything that the bundle detects?")
    for name in ("capture_to_publish_p50", "capture_to_publish_p99", "publish_to_person_p50"):
        value = getattr(report.latencies, name)
        if not math.isnan(value):
            say(f"{name.replace('_', ' ')}: {value:.0f} ms")
    say(f"e-mail: {plan.folder / 'cloud' / 'mail'}   SMS: {plan.folder / 'cloud' / 'sms'}")
    say(f"report: {plan.folder / 'report.json'}")
