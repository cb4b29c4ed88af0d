"""What a person orders at the first use, checked as the verbs and the CDK app check it, and the commands that do it."""

import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import NoCredentialsError

from infra.context import feature_flags
from infra.names import GROUP
from infra.settings import AlertSettings
from infra.site import SiteSettings
from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields
from smartcam.edge.files import replace_file
from tools.alerts.reach import reach_of
from tools.alerts.stack import STACK_NAME, StackMissing, find_site
from tools.build.suite import SUITE, artifact_names, find_built
from tools.command_line import ROOT
from tools.release.aws import Aws, ReleaseError, connect
from tools.release.configuration import check_merges
from tools.release.verbs import release_of
from tools.session import NO_CREDENTIALS
from tools.setup import Toolchain, node_environment
from tools.strict_yaml import yaml_of

FLEET: Final = "SmartcamFleet"
BUILD: Final = ROOT / "greengrass-build"
_BUCKET: Final = "ArtifactBucketName"
_KEYS: Final = ("email", "phone", "time_zone", "language")
_QUIET: Final = ("--no-notices", "--no-color", "--require-approval", "never", "--progress", "events")


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """The configuration and the file for it, the group that gets it, and the CDK's context by which people are told.

    Without `people` the cloud side stays as it is, and with it who is told.
    """

    text: str
    config: Path
    group: str
    context: Mapping[str, str]
    people: AlertSettings | None

    def keep(self) -> None:
        """Write the configuration where the verbs, and people later, find it. Raises OSError."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.config, self.text.encode())

    def deploys(self, *more: str) -> "WizardCommand":
        """The rollout, or with `--plan` what it would change."""
        return verb("deploy", "--group", self.group, "--config", str(self.config), "--build", str(BUILD), *more)


@dataclass(frozen=True, slots=True)
class WizardCommand:
    """A command of the wizard's, with the variables that it needs besides this process's own."""

    command: tuple[str, ...]
    shown: str
    environment: Mapping[str, str]


def verb(*words: str) -> WizardCommand:
    """A verb of `smartcam`."""
    return WizardCommand((sys.executable, "-m", "front", *words), f"$ smartcam {shlex.join(words)}", {})


def filled(fields: Fields, key: str) -> str:
    """A field of the form, which may hold nothing, or many lines. Raises ContractError for what is no text."""
    value = fields.document.get(key, "")
    if not isinstance(value, str):
        raise ContractError(key, "must be text")
    return value


def read_cameras(text: str, components: Collection[str] = ()) -> Mapping[str, Any]:
    """The configuration by component, as `smartcam deploy` reads it; of these components, or of all of ours.

    Raises:
        ReleaseError: naming the component and the key.
        UnreadableText: naming the line.
    """
    document = yaml_of(text)
    if not isinstance(document, dict) or "smartcam.Capture" not in document:
        raise ReleaseError("cameras.yaml: names no cameras: begin with `smartcam.Capture:` and, below it, `  cameras:`")
    check_merges("cameras.yaml", document, components or (SUITE, *artifact_names()))
    return document


def camera_names(text: str) -> list[str]:
    """Those in the configuration. Raises what `read_cameras` raises, also where it names none."""
    names = list(read_cameras(text)["smartcam.Capture"].get("cameras") or ())
    if not names:
        raise ReleaseError("cameras.yaml: names no cameras: write them below `  cameras:`, or let them be found")
    return names


def read_order(fields: Fields, folder: Path) -> FirstOrder:
    """What was filled in; the configuration's file will be in the folder.

    Raises:
        SmartcamError: in the words of the verb that would refuse it.
        OSError: the build cannot be read.
    """
    release = release_of(find_built(BUILD))
    text = filled(fields, "cameras")
    read_cameras(text, release.components)
    config = folder / "cameras.yaml"
    group = filled(fields, "group") or GROUP
    if not fields.boolean("tells"):
        return FirstOrder(text, config, group, {}, None)
    context = {key: value for key in _KEYS if (value := filled(fields, key).strip())}
    if "email" in context:
        context["operations_email"] = context["email"]
    whole = {**feature_flags(), **context}
    people = AlertSettings.from_context(whole)
    people.require_recipients()
    SiteSettings.from_context(whole).require_room_for(people.groups)
    return FirstOrder(text, config, group, context, people)


def planned(order: FirstOrder) -> Iterator[str | WizardCommand]:
    """What would be done, in lines, and what asks AWS for the rest; nothing is changed there.

    Raises what AWS raises, OSError, ReleaseError, StackError.
    """
    order.keep()
    aws = connect(None)
    yield f"account {_account(aws)}, region {aws.region}"
    if order.people is not None:
        yield from _told(order.people)
        yield from (step.shown for step in _cloud(order, aws, None))
    yield verb("publish", "--build", str(BUILD), "--bucket", f"the output {_BUCKET} of {FLEET}").shown
    yield order.deploys("--yes").shown
    try:
        aws.group_arn(order.group)
    except ReleaseError as error:
        if order.people is None or order.group != GROUP:
            raise
        yield f"{error}: {FLEET} makes it, and the devices that join it get the release"
    else:
        yield order.deploys("--plan")


def deployed(order: FirstOrder, toolchain: Callable[[], Toolchain]) -> Iterator[str | WizardCommand]:
    """What does it, one after the other; each is asked for when the one before has ended well.

    `toolchain` gives the CDK, and installs it where it is missing. Raises what AWS raises, OSError, ReleaseError,
    StackError, ToolsError.
    """
    order.keep()  # as it was shown, whatever has become of the file since
    if order.people is not None:
        yield from _cloud(order, connect(None), toolchain())
    yield verb("publish", "--build", str(BUILD), "--bucket", find_site(FLEET).output(_BUCKET))
    yield order.deploys("--yes")
    if order.people is not None:
        yield "each e-mail address gets a message from SNS, and alerts once it has been confirmed"


def _account(aws: Aws) -> str:
    try:
        return str(aws.identity.get_caller_identity()["Account"])
    except NoCredentialsError as error:
        raise ReleaseError(f"{error}; {NO_CREDENTIALS}") from error


def _told(people: AlertSettings) -> Iterator[str]:
    """Who will be told, and who no more: a deployment removes whom it does not name."""
    named = [each for group in people.groups for each in (*group.emails, *group.phones, *group.urls)]
    yield f"told of alerts: {', '.join(named) or 'nobody'}"
    try:
        now = {each for reach in reach_of(find_site()) for each in reach.everybody}
    except StackMissing:
        return
    if gone := sorted(now - set(named)):
        yield f"told no more: {', '.join(gone)}"
    yield "all other keys of the alerting become what cdk.json says, or their defaults"


def _cloud(order: FirstOrder, aws: Aws, toolchain: Toolchain | None) -> Iterator[WizardCommand]:
    """What `make cloud` does, after `cdk bootstrap`. Without a toolchain they can only be shown."""
    context = [part for key, value in order.context.items() for part in ("-c", f"{key}={value}")]
    for words in (
        ("bootstrap", f"aws://{_account(aws)}/{aws.region}"),
        ("deploy", STACK_NAME, FLEET, *context),
    ):
        shown = f"$ cdk {shlex.join(words)}"
        if toolchain is None:
            yield WizardCommand((), shown, {})
        else:
            quiet = _QUIET if words[0] == "deploy" else _QUIET[:2]
            environment = {**node_environment(toolchain.node), "CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"}
            yield WizardCommand((*toolchain.cdk, *words, *quiet), shown, environment)
