from collections.abc import Iterator

import pytest

from smartcam.console import access
from tests.fakes.console_world import PASSWORD, ConsoleWorld


@pytest.fixture(autouse=True, scope="session")
def _cheap_scrypt() -> Iterator[None]:
    """Passwords of tests are worth nothing, and the real cost is that of thirty tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "COST", {"n": 16, "r": 1, "p": 1})
        yield


@pytest.fixture(scope="module")
def open_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with ConsoleWorld(tmp_path_factory.mktemp("open")).running() as running:
        yield running


@pytest.fixture(scope="module")
def locked_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    console = ConsoleWorld(tmp_path_factory.mktemp("locked"))
    console.password.store(PASSWORD)
    with console.running() as running:
        yield running


@pytest.fixture
def world(open_console: ConsoleWorld) -> ConsoleWorld:
    """On this device alone, and without a password."""
    return open_console


@pytest.fixture
def locked(locked_console: ConsoleWorld) -> ConsoleWorld:
    """With a password, and nobody signed in: whoever was by an earlier test is forgotten, and so are wrong guesses."""
    locked_console.cookie = locked_console.token = ""
    locked_console.guess_clock.advance(3600)
    return locked_console
