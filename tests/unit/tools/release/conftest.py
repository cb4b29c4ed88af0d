from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.fakes.fleet import BUCKET, REGION, Account, accounts, small_build
from tests.fakes.shops import Street
from tools.build.suite import Built
from tools.release import verbs
from tools.release.publish import publish_build


@pytest.fixture(scope="package")
def fresh() -> Iterator[Callable[[], Account]]:
    with accounts() as found:
        yield found


@pytest.fixture
def there(fresh: Callable[[], Account]) -> Account:
    return fresh()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def street(there: Account, monkeypatch: pytest.MonkeyPatch) -> Street:
    """Devices that take what is deployed and report it."""
    street = Street()
    at_the_clock_of(street, there, monkeypatch)
    monkeypatch.setattr(verbs, "find_fleet", lambda _stack, _region: street.fleet)
    return street


def at_the_clock_of(street: Street, there: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verbs in this account, at the street's clock."""
    street.serve(there.devices)
    monkeypatch.setattr(verbs, "time", SimpleNamespace(sleep=street.sleep, time_ns=street.now))
    monkeypatch.setattr(verbs, "connect", lambda _: there.aws)


def deploy(built: Built, *arguments: str) -> int:
    return verbs.deploy(["--region", REGION, "--build", str(built.folder), "--yes", *arguments])


@pytest.fixture
def published(tmp_path: Path, there: Account, street: Street) -> Built:
    built = small_build(tmp_path)
    publish_build(built, BUCKET, there.aws, lambda _: None, sleep=street.sleep)
    return built
