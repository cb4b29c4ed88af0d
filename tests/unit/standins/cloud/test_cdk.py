"""What the CDK CLI is told and what becomes of its answers; the CLI here is a small script."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from standins.cloud.cdk import CdkCli, DeployError
from standins.cloud.endpoint import CloudEndpoint, clean_environment
from tools.setup import Toolchain

# Writes its arguments and environment down, its outputs where it is told, and fails when asked.
_CLI = """
import json, os, sys
json.dump({"arguments": sys.argv[1:], "environment": dict(os.environ)}, open("seen.json", "w"))
print("working")
if os.path.exists("refuse"):
    print("the reason")
    sys.exit(1)
if "--outputs-file" in sys.argv:
    json.dump({"Stack": {"Topic": "arn"}}, open(sys.argv[sys.argv.index("--outputs-file") + 1], "w"))
"""


class Bench:
    """A CLI and what it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        script = folder / "cli.py"
        script.write_text(_CLI)
        toolchain = Toolchain(folder / "node", (sys.executable, str(script)), folder / "python")
        endpoint = CloudEndpoint(4, 8, folder / "ca.pem", folder / "iot.pem", folder / "home")
        self.cli = CdkCli(toolchain, endpoint, folder, self.said.append)
        self.assembly = folder / "cdk.out"
        self.assembly.mkdir()
        (self.assembly / "manifest.json").write_text("{}")

    def arguments(self) -> Sequence[str]:
        found: list[str] = json.loads((self.folder / "seen.json").read_text())["arguments"]
        return found

    def environment(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "seen.json").read_text())["environment"]
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_assembly_is_deployed_as_it_is(bench: Bench) -> None:
    assert bench.cli.deploy(bench.assembly, {}) == {"Stack": {"Topic": "arn"}}
    arguments = " ".join(bench.arguments())
    assert arguments.startswith("deploy --all --require-approval never")
    assert f"--app {bench.assembly}" in arguments
    assert "--no-notices" in arguments
    assert bench.said == ["working"]


def test_an_app_is_synthesised_with_its_context(bench: Bench) -> None:
    app = bench.folder / "app.py"
    app.write_text("")
    bench.cli.deploy(app, {"email": "a@b", "things": "cam-1,cam-2"})
    arguments = bench.arguments()
    assert f"{sys.executable} {app}" in arguments
    assert "email=a@b" in arguments
    assert "things=cam-1,cam-2" in arguments


def test_a_context_beside_an_assembly_is_a_mistake(bench: Bench) -> None:
    with pytest.raises(ValueError, match="context was fixed"):
        bench.cli.deploy(bench.assembly, {"email": "a@b"})


def test_what_is_neither_assembly_nor_app_is_named(bench: Bench) -> None:
    with pytest.raises(DeployError, match="neither an assembly"):
        bench.cli.deploy(bench.folder / "nothing", {})


def test_a_refusal_carries_the_last_lines(bench: Bench) -> None:
    (bench.folder / "refuse").touch()
    with pytest.raises(DeployError, match=r"(?s)bootstrap failed \(exit code 1\).*the reason"):
        bench.cli.bootstrap()


def test_outputs_of_an_earlier_deployment_are_not_taken_for_new_ones(bench: Bench) -> None:
    bench.cli.deploy(bench.assembly, {})
    (bench.folder / "refuse").touch()
    with pytest.raises(DeployError):
        bench.cli.deploy(bench.assembly, {})
    assert not (bench.folder / "outputs.json").exists()


def test_the_cli_sees_the_local_cloud_and_nobodys_own_account(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    bench.cli.bootstrap()
    seen = bench.environment()
    assert "AWS_PROFILE" not in seen
    assert "AWS_SESSION_TOKEN" not in seen
    assert seen["AWS_ENDPOINT_URL"] == "https://127.0.0.1:4"
    assert seen["JSII_NODE"] == str(bench.folder / "node")
    assert seen["NODE_EXTRA_CA_CERTS"] == str(bench.folder / "ca.pem")
    assert bench.arguments()[:2] == ["bootstrap", "aws://000000000000/eu-west-1"]


def test_this_machine_is_reached_without_a_proxy() -> None:
    cleaned = clean_environment({"HTTPS_PROXY": "http://proxy", "CDK_HOME": "x", "PATH": "/bin"})
    assert cleaned["NO_PROXY"] == "127.0.0.1,localhost"
    assert "CDK_HOME" not in cleaned
    assert cleaned["PATH"] == "/bin"
