"""Long answers, a few items at a time."""

from collections.abc import Sequence
from typing import Final

from standins.greengrass_api.wire import Fields

# Small, so that a client that forgets the next page is noticed.
PAGE: Final = 3


def page(name: str, items: Sequence[Fields], said: Fields) -> Fields:
    """The page that a request asks for, with the token of the next one."""
    size = min(said.get("maxResults", PAGE), PAGE)
    begin = int(said.get("nextToken", "0"))
    following = {"nextToken": str(begin + size)} if begin + size < len(items) else {}
    return {name: list(items[begin : begin + size]), **following}
