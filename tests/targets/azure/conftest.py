"""These need .venv-azure: `.venv-azure/bin/python -m pytest tests/targets/azure`."""

import warnings
from collections.abc import Iterator

import pytest

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

from standins.azure.testbed import EdgeDevice, running_device

_LOOPBACK = r"\('127\.0\.0\.1', \d+\)"
LEFT_BY_AZURES_CLIENT = ("unclosed <ssl.SSLSocket", rf"unclosed <socket\.socket .*laddr={_LOOPBACK}, raddr={_LOOPBACK}")
"""It leaves the sockets of failed handshakes, and the pairs by which its threads wake each other, to the garbage
collector, which comes in any later test or after all. No stand-in of ours has 127.0.0.1."""


def pytest_configure(config: pytest.Config) -> None:
    for left in LEFT_BY_AZURES_CLIENT:
        config.addinivalue_line("filterwarnings", f"ignore:{left}:ResourceWarning")


def pytest_unconfigure() -> None:
    # pytest collects once more here, and by then has put its own filters away.
    for left in LEFT_BY_AZURES_CLIENT:
        warnings.filterwarnings("ignore", left, ResourceWarning)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[EdgeDevice]:
    """An edge hub and a workload API; Azure's client finds them by this process's environment."""
    with running_device() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
