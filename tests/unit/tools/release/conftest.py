from collections.abc import Callable, Iterator

import pytest

from tests.fakes.fleet import Account, accounts


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
