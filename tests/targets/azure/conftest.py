"""These need .venv-azure: `.venv-azure/bin/python -m pytest tests/targets/azure`."""

import warnings
from collections.abc import Iterator

import pytest

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

from standins.azure.testbed import EdgeDevice, running_device

LEFT_BY_AZURES_CLIENT = "unclosed <ssl.SSLSocket"
"""It leaves the sockets of failed handshakes to the garbage collector, which comes in any later test or after all."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", f"ignore:{LEFT_BY_AZURES_CLIENT}:ResourceWarning")


def pytest_unconfigure() -> None:
    # pytest collects once more here, and by then has put its own filters away.
    warnings.filterwarnings("ignore", LEFT_BY_AZURES_CLIENT, ResourceWarning)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[EdgeDevice]:
    """An edge hub and a workload API; Azure's client finds them by this process's environment."""
    with running_device() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
