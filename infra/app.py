"""`python -m infra.app`: synthesise the cloud side into cdk.out, without an account and without a network.

The CDK CLI runs the same program (`cdk.json`); both take the context as `--context KEY=VALUE`.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

# Set before jsii starts Node: Debian 13 maintains Node 20 though its makers no longer do.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.alerts.asset import ROOT, assemble
from infra.alerts.stack import STACK_NAME, AlertsStack
from infra.context import feature_flags
from infra.fleet.stack import STACK_NAME as FLEET_NAME
from infra.fleet.stack import FleetStack
from infra.regions import region_of, sms_remark
from infra.settings import KEYS, AlertSettings, refuse_unknown
from infra.site import KEYS as SITE_KEYS
from infra.site import SiteSettings
from smartcam.contract.errors import SettingsError

OUTPUT: Final = ROOT / "cdk.out"
ALL_KEYS: Final = (*KEYS, *SITE_KEYS)


def build_app(context: Mapping[str, object], code: Path, output: Path | None = None) -> cdk.App:
    """The app with its stacks and cdk-nag's AwsSolutions rules.

    Args:
        context: settings of this run; what the CDK CLI hands over (CDK_CONTEXT_JSON) is added.
        code: the assembled asset of the function; it must exist until this function has returned.
        output: where the assembly goes, a temporary folder when None.

    Raises:
        SettingsError: for an unknown key or a wrong value in the context, or when nobody would get alerts.
    """
    app = cdk.App(
        outdir=None if output is None else str(output),
        context=feature_flags(),
        post_cli_context=dict(context),
        analytics_reporting=False,
    )
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    given: Mapping[str, object] = app.node.get_all_context()
    refuse_unknown(given, ALL_KEYS)
    settings, site = AlertSettings.from_context(given), SiteSettings.from_context(given)
    alerts = AlertsStack(app, STACK_NAME, settings=settings, site=site, code=code)
    fleet = FleetStack(app, FLEET_NAME, uploads=alerts.snapshots is not None)
    if alerts.snapshots is not None:
        fleet.add_stack_dependency(alerts)
    if alerts.bundling_required:  # the CLI also runs this for `destroy`, `bootstrap` and `list`, which deploy nothing
        settings.require_recipients()
        site.require_room_for(settings.groups)
        sys.stderr.write(sms_remark(settings.groups, region_of(os.environ)))
    return app


def _read_arguments(arguments: Sequence[str]) -> tuple[dict[str, str], Path]:
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help=", ".join(ALL_KEYS))
    parser.add_argument("-o", "--output", type=Path, default=Path(os.environ.get("CDK_OUTDIR", OUTPUT)))
    read = parser.parse_args(arguments)
    context: dict[str, str] = {}
    for one in read.context:
        key, sign, value = one.partition("=")
        if not sign:
            raise SettingsError("--context", one, f"give KEY=VALUE with one of the keys {', '.join(ALL_KEYS)}")
        if key in context:
            raise SettingsError("--context", one, f"give {key} once: several values stand in one, with commas")
        context[key] = value
    return context, read.output


def main(arguments: Sequence[str] | None = None) -> int:
    """Synthesise; 0, or 2 with one line on stderr where the context is wrong."""
    try:
        context, output = _read_arguments(sys.argv[1:] if arguments is None else arguments)
        with tempfile.TemporaryDirectory(prefix="smartcam-asset-") as folder:
            code = Path(folder) / "asset"
            code.mkdir()
            assemble(code)
            build_app(context, code, output).synth()
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
