"""The parts of the local cloud that need no local cloud."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from smartcam.contract.ids import ThingName
from standins.cloud import command
from standins.cloud.certificate import ServerCertificate
from standins.cloud.device import provision
from standins.cloud.endpoint import CloudEndpoint
from standins.cloud.folder import LocalCloudError
from standins.cloud.local_cloud import LocalCloud, launcher_environment
from tools.setup import Toolchain, ToolsError


class FakeIot:
    """An IoT client that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, object]]] = []

    def create_thing(self, **options: object) -> None:
        self.calls.append(("thing", options))

    def create_keys_and_certificate(self, **options: object) -> dict[str, object]:
        self.calls.append(("certificate", options))
        return {"certificateArn": "arn:cert", "certificatePem": "CERT", "keyPair": {"PrivateKey": "KEY"}}

    def attach_policy(self, **options: object) -> None:
        self.calls.append(("policy", options))

    def attach_thing_principal(self, **options: object) -> None:
        self.calls.append(("principal", options))


def _endpoint(folder: Path) -> CloudEndpoint:
    authority = folder / "iot-ca.pem"
    authority.write_bytes(b"CA")
    return CloudEndpoint(4, 8, folder / "ca.pem", authority, folder / "home")


def test_a_device_gets_files_that_nobody_else_reads(tmp_path: Path) -> None:
    iot = FakeIot()
    identity = provision(iot, _endpoint(tmp_path), ThingName("cam-1"), "policy-1", tmp_path / "devices")
    files = {identity.certificate: b"CERT", identity.key: b"KEY", identity.authority: b"CA"}
    assert {path: path.read_bytes() for path in files} == files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert identity.key.parent.stat().st_mode & 0o777 == 0o700
    assert (identity.host, identity.port) == ("127.0.0.1", 8)


def test_a_device_is_bound_to_its_thing_and_policy(tmp_path: Path) -> None:
    iot = FakeIot()
    provision(iot, _endpoint(tmp_path), ThingName("cam-1"), "policy-1", tmp_path / "devices")
    assert iot.calls == [
        ("thing", {"thingName": "cam-1"}),
        ("certificate", {"setAsActive": True}),
        ("policy", {"policyName": "policy-1", "target": "arn:cert"}),
        ("principal", {"thingName": "cam-1", "principal": "arn:cert"}),
    ]


def test_a_cloud_that_does_not_run_says_so(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path, Toolchain(tmp_path, (), tmp_path))
    for use in (lambda: cloud.endpoint, lambda: cloud.pid, cloud.environment, cloud.bootstrap):
        with pytest.raises(LocalCloudError, match="not running"):
            use()
    cloud.stop()


def _broken(folder: Path, script: str) -> LocalCloud:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return LocalCloud(folder / "cloud", Toolchain(folder, (), python))


def test_a_start_that_fails_shows_the_end_of_the_log(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match=r"(?s)ended while starting.*cloud\.log.*last words"):
        _broken(tmp_path, "echo last words; exit 3").start()


def test_an_error_of_the_launcher_is_the_whole_message(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError) as caught:
        _broken(tmp_path, "echo noise; echo 'error: port 1 is taken; remedy: another'; exit 1").start()
    assert str(caught.value) == "port 1 is taken; remedy: another"


def test_a_start_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    cloud = _broken(tmp_path, "echo thinking; sleep 60")
    with pytest.raises(LocalCloudError, match=r"(?s)not ready in time.*"):
        cloud.start(limit_s=0.2)
    with pytest.raises(LocalCloudError, match="not running"):
        _ = cloud.pid


def test_functions_inherit_nothing_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")
    monkeypatch.setenv("AWS_PROFILE", "production")
    seen = launcher_environment(tmp_path, ServerCertificate(tmp_path / "ca", tmp_path / "chain", tmp_path / "key"))
    assert not {"MY_TOKEN", "AWS_PROFILE", "PYTHONPATH"} & set(seen)
    assert (seen["AUTH"], seen["USE_SSL"], seen["BIND_HOST"]) == ("true", "1", "127.0.0.1")


def test_the_lines_for_a_shell_are_quoted() -> None:
    assert command.export_lines({"A": "x y", "B": "z"}) == ["export A='x y'", "export B=z"]


def test_a_failed_set_up_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail() -> Toolchain:
        raise ToolsError("no network; remedy: a cable")

    monkeypatch.setattr(command, "setup_cloud", fail)
    assert command.main(["up", "--dir", str(tmp_path)], threading.Event()) == 1
    assert capsys.readouterr().err == "smartcam cloud: no network; remedy: a cable\n"


def test_the_launcher_needs_nothing_of_the_main_environment() -> None:
    # It is run by another Python, which has no boto3 stubs, no numpy and no smartcam.
    code = "import sys; import standins.cloud.launcher.__main__; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not {"boto3", "numpy", "cryptography", "smartcam", "cv2"} & set(done.stdout.split())


def test_who_confirms_where_no_cloud_runs_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["confirm", "--dir", str(tmp_path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"smartcam cloud: no local cloud runs in {tmp_path}; remedy: smartcam cloud up, or --dir"


def test_a_folder_that_cannot_be_made_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "setup_cloud", lambda: None)
    (tmp_path / "file").touch()
    assert command.main(["up", "--dir", str(tmp_path / "file" / "cloud")], threading.Event()) == 1
    said = capsys.readouterr().err
    assert said.startswith("smartcam cloud: ")
    assert str(tmp_path / "file") in said
    assert said.count("\n") == 1
