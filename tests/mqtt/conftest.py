"""The broker of the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from standins.mosquitto import Mosquitto, setup_mosquitto
from tests.mqtt.mosquitto_broker import MosquittoBroker
from tests.unit.standins.nucleus.broker import Papers, make_papers
from tools.setup import ToolsError


@pytest.fixture(scope="session")
def mosquitto() -> Mosquitto:
    try:
        return setup_mosquitto(say=lambda _: None)
    except ToolsError as error:
        pytest.skip(f"no broker: {error}")


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture
def broker(mosquitto: Mosquitto, papers: Papers, tmp_path: Path) -> Iterator[MosquittoBroker]:
    with MosquittoBroker(mosquitto, papers, tmp_path) as broker:
        yield broker
