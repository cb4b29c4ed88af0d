"""AWS's side of the suite on this machine: one process group, all of it on 127.0.0.1."""

import datetime as dt
import functools
import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from smartcam.contract.ids import ThingName
from standins.cloud.cdk import CdkCli
from standins.cloud.certificate import ServerCertificate, make_certificate, write_private
from standins.cloud.device import DeviceIdentity, provision
from standins.cloud.endpoint import ACCESS_KEY, HOST, REGION, SECRET_KEY, CloudEndpoint, clean_environment
from standins.cloud.folder import LocalCloudError, claim_folder
from standins.cloud.inbox import ReceivedMessage, read_confirmation_requests, read_emails, read_texts
from standins.cloud.leashed import end_leashed, kill_leashed, start_leashed
from tools.command_line import ROOT, Say
from tools.setup import Toolchain

_START_LIMIT_S: Final = 60.0
_POLL_S: Final = 0.05
_REQUEST_LIMIT_S: Final = 5.0
_STOP_GRACE_S: Final = 10.0
_MAIL_LIMIT_S: Final = 10.0
_TAIL_LINES: Final = 12


class LocalCloud:
    """The local cloud in a folder of its own; a context manager that starts and stops it.

    Ports of 0 take free ones. `say` gets the output of deployments, line by line.
    """

    def __init__(
        self, folder: Path, toolchain: Toolchain, *, https_port: int = 0, mqtt_port: int = 0, say: Say = lambda _: None
    ) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "cloud.log"
        self._toolchain = toolchain
        self._ports = (https_port, mqtt_port)
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._endpoint: CloudEndpoint | None = None
        self._claim: IO[bytes] | None = None
        self._confirmed: set[str] = set()
        self._certificate: ServerCertificate | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, limit_s: float = _START_LIMIT_S) -> None:
        """Start and wait until every part answers. Raises LocalCloudError."""
        self._start(limit_s, keep=False)

    def restart(self, pause_s: float = 0.0, limit_s: float = _START_LIMIT_S) -> None:
        """Shut it down cleanly and start it again after a pause, with all its state and at the same addresses.

        Things, rules, tables, functions, subscriptions and mail stay; what was under way in a function is lost, as
        in a cloud. Raises LocalCloudError.
        """
        endpoint = self.endpoint
        self._ports = (endpoint.https_port, endpoint.mqtt_port)
        self.stop()
        time.sleep(pause_s)
        self._start(limit_s, keep=True)

    def _start(self, limit_s: float, *, keep: bool) -> None:
        if self._process is not None:
            raise LocalCloudError("the local cloud has been started already")
        with ExitStack() as unless_ready:
            unless_ready.callback(self._release)
            self._claim = claim_folder(self.folder, keep=keep)
            if self._certificate is None or not keep:
                self._certificate = make_certificate(self.folder, dt.datetime.now(dt.UTC))
            self._process = self._launch(self._certificate)
            unless_ready.callback(self._kill)
            self._endpoint = self._wait_until_ready(self._certificate, time.monotonic() + limit_s)
            unless_ready.pop_all()

    def stop(self) -> None:
        """Stop it, after open requests and outgoing mail are finished. No effect when it is not running."""
        process, self._process, self._endpoint = self._process, None, None
        if process is not None:
            end_leashed(process, _STOP_GRACE_S)
        self._release()

    def check(self) -> None:
        """Raise LocalCloudError if it has ended by itself."""
        if self._process is None or self._process.poll() is not None:
            raise LocalCloudError(f"the local cloud has ended; the end of {self.log}:\n{self._log_tail()}")

    @property
    def endpoint(self) -> CloudEndpoint:
        """Addresses and files. Raises LocalCloudError when it is not running."""
        if self._endpoint is None or self._process is None:
            raise LocalCloudError("the local cloud is not running")
        return self._endpoint

    @property
    def pid(self) -> int:
        """The process that owns all others. Raises LocalCloudError when it is not running."""
        if self._process is None:
            raise LocalCloudError("the local cloud is not running")
        return self._process.pid

    @property
    def maildir(self) -> Path:
        """The local mailbox, a Maildir."""
        return self.folder / "mail"

    @property
    def text_folder(self) -> Path:
        """The SMS outbox: one JSON file for each message."""
        return self.folder / "sms"

    def environment(self) -> Mapping[str, str]:
        """What an AWS client, the AWS CLI or the CDK CLI needs in its environment to reach this cloud."""
        return self.endpoint.variables()

    def client(self, service: str) -> Any:  # noqa: ANN401
        """A boto3 client of this cloud."""
        return client_of(service, self.endpoint.url, self.endpoint.authority)

    def bootstrap(self) -> None:
        """`cdk bootstrap`, once before the first deployment. Raises DeployError."""
        self._cdk().bootstrap()

    def deploy(
        self, source: Path, context: Mapping[str, str] | None = None, stacks: Sequence[str] = ()
    ) -> Mapping[str, Mapping[str, str]]:
        """`cdk deploy` of an assembly folder (cdk.out) or an app (.py, with this context).

        All stacks where none is named. Returns the outputs by stack name. Raises DeployError.
        """
        return self._cdk().deploy(source, context or {}, stacks)

    def provision(self, thing: ThingName, policy: str) -> DeviceIdentity:
        """Make a thing with a certificate of its own under an existing IoT policy; files in `devices/<thing>/`."""
        return provision(self.client("iot"), self.endpoint, thing, policy, self.folder / "devices")

    def confirm_subscriptions(self, at_least: int = 0, limit_s: float = _MAIL_LIMIT_S) -> int:
        """Confirm the subscriptions that e-mails ask for, as a person would. Returns how many were new.

        Waits for `at_least` e-mails, which take a moment. Raises LocalCloudError when they do not arrive.
        """
        deadline = time.monotonic() + limit_s
        confirmed = self._confirm_new()
        while confirmed < at_least:
            if time.monotonic() > deadline:
                raise LocalCloudError(f"{confirmed} of {at_least} confirmation e-mails arrived within {limit_s} s")
            time.sleep(_POLL_S)
            confirmed += self._confirm_new()
        return confirmed

    def _confirm_new(self) -> int:
        new = [request for request in read_confirmation_requests(self.maildir) if request.token not in self._confirmed]
        for request in new:
            self.client("sns").confirm_subscription(TopicArn=request.topic_arn, Token=request.token)
            self._confirmed.add(request.token)
        return len(new)

    def emails(self) -> list[ReceivedMessage]:
        """The e-mails that people got, oldest first."""
        return read_emails(self.maildir)

    def texts(self) -> list[ReceivedMessage]:
        """The SMS that people got, oldest first."""
        return read_texts(self.text_folder)

    def _cdk(self) -> CdkCli:
        return CdkCli(self._toolchain, self.endpoint, self.folder, self._say)

    @property
    def _ports_file(self) -> Path:
        return self.folder / "ports.json"

    def _launch(self, certificate: ServerCertificate) -> subprocess.Popen[bytes]:
        https_port, mqtt_port = self._ports
        ports = ("--https-port", str(https_port), "--mqtt-port", str(mqtt_port))
        command = (str(self._toolchain.cloud_python), "-m", "standins.cloud.launcher", "--folder", str(self.folder))
        environment = launcher_environment(self.folder, certificate)
        with self.log.open("ab") as log:
            # From the root of the repository, so that the launcher finds its own package.
            return start_leashed((*command, *ports), environment, ROOT, log)

    def _wait_until_ready(self, certificate: ServerCertificate, deadline: float) -> CloudEndpoint:
        context = ssl.create_default_context(cafile=str(certificate.authority))
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise LocalCloudError(self._why_ended())
            if self._ports_file.is_file():
                ports = json.loads(self._ports_file.read_text(encoding="ascii"))
                url = f"https://{HOST}:{ports['https']}/_ministack"
                if _get(f"{url}/ready", context) is not None and (pem := _get(f"{url}/iot/ca.pem", context)):
                    iot_authority = self.folder / "iot-ca.pem"
                    write_private(iot_authority, pem)
                    files = (certificate.authority, iot_authority)
                    return CloudEndpoint(ports["https"], ports["mqtt"], *files, self.folder / "cdk-home")
            time.sleep(_POLL_S)
        raise LocalCloudError(f"the local cloud was not ready in time; the end of {self.log}:\n{self._log_tail()}")

    def _why_ended(self) -> str:
        errors = [line for line in self._log_lines() if line.startswith("error: ")]
        if errors:
            return errors[-1].removeprefix("error: ")
        return f"the local cloud ended while starting; the end of {self.log}:\n{self._log_tail()}"

    def _log_lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def _log_tail(self) -> str:
        return "\n".join(self._log_lines()[-_TAIL_LINES:])

    def _release(self) -> None:
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.close()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            kill_leashed(process)


def client_of(service: str, url: str, authority: Path) -> Any:  # noqa: ANN401
    """A boto3 client of the local cloud at that address."""
    make = functools.partial(boto3.client, endpoint_url=url, verify=str(authority))
    return make(service, region_name=REGION, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)


def confirm_from_outside(folder: Path) -> list[str]:
    """Confirm every subscription of the cloud running in that folder. Returns the new addresses.

    Raises LocalCloudError.
    """
    confirmed = []
    try:
        port = json.loads((folder / "ports.json").read_text(encoding="ascii"))["https"]
        sns = client_of("sns", f"https://{HOST}:{port}", folder / "ca.pem")
        for request in read_confirmation_requests(folder / "mail"):
            # SNS does not take a token twice, nor one of a subscription that is gone.
            with suppress(ClientError):
                sns.confirm_subscription(TopicArn=request.topic_arn, Token=request.token)
                confirmed.append(request.to)
    except (OSError, BotoCoreError) as error:
        raise LocalCloudError(f"no local cloud runs in {folder}; remedy: smartcam cloud up, or --dir") from error
    return confirmed


def launcher_environment(folder: Path, certificate: ServerCertificate) -> Mapping[str, str]:
    """The launcher's whole environment; functions inherit it, so it holds nothing of the user's but PATH."""
    return {
        **{name: value for name, value in clean_environment(os.environ).items() if name in ("PATH", "LANG", "LC_ALL")},
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "USE_SSL": "1",
        "AUTH": "true",
        "MINISTACK_SSL_CERT": str(certificate.chain),
        "MINISTACK_SSL_KEY": str(certificate.key),
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "BIND_HOST": HOST,
        "IOT_MTLS_ENABLED": "1",
        "SFTP_ENABLED": "0",
        # Saved at a graceful end, so that a restarted cloud goes on.
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        # The machine's Docker daemon must not be used.
        "DOCKER_HOST": f"unix://{folder / 'no-docker.sock'}",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CA_BUNDLE": str(certificate.authority),
        # SNS may call a person's own HTTPS server here, with a certificate of this cloud.
        "SSL_CERT_FILE": str(certificate.authority),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _get(url: str, context: ssl.SSLContext) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=_REQUEST_LIMIT_S, context=context) as answer:  # noqa: S310 - https
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, OSError):
        return None
