"""The module's command line where it cannot run."""

from pathlib import Path

import pytest

from standins.azure.testbed import EdgeDevice

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

from targets.azure.main import main

pytestmark = pytest.mark.targets


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("IOTEDGE_DEVICEID", "yard.1", "IOTEDGE_DEVICEID: must be"),
        ("IOTEDGE_DEVICEID", "", "IOTEDGE_DEVICEID: must be"),
        ("IOTEDGE_WORKLOADURI", "", "IOTEDGE_WORKLOADURI not set"),
    ],
)
def test_an_environment_that_is_not_a_module_of_ours_ends_it_with_one_line(
    variable: str,
    value: str,
    said: str,
    device: EdgeDevice,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, value)
    assert main(["--work", str(tmp_path)]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith(f"smartcam-azure: {said}")
    assert device.hub.received == []
