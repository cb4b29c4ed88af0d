"""These need .venv-azure: `.venv-azure/bin/python -m pytest tests/targets/azure`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

from standins.azure.testbed import EdgeDevice, running_device


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Azure's client leaves the sockets of failed handshakes to the garbage collector, which comes in any later test.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"))


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[EdgeDevice]:
    """An edge hub and a workload API; Azure's client finds them by this process's environment."""
    with running_device() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
