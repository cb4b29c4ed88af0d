"""Pictures of the real console for the documents, taken while it runs.

In one terminal `make demo CONSOLE=1`, in another `python -m measure.screenshots ADDRESS` with the address that the demo
says. It waits until the first event is there.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import Error, Page, sync_playwright

from standins.chromium import setup_chromium
from tools.command_line import ROOT
from tools.setup import ToolsError

_WIDTH, _HEIGHT = 1120, 720
_WHOLE: Final = 900
"""The height in which the page for drawing is whole: what is scrolled lies below the page's head."""
_EVENT_LIMIT_MS: Final = 300_000.0
_OPENS_S: Final = 120
_SHOWN_MS: Final = 4_000.0
"""Until pictures move, and what is drawn over them is there."""
_PAGES: Final = ("live", "events", "draw", "health")
_DRAWN: Final = {
    "zone": ("path", ((0.3, 0.62), (0.72, 0.62), (0.96, 0.95), (0.04, 0.95))),
    "line": ("gate", ((0.52, 0.56), (0.52, 0.97))),
    "mask": ("neighbours", ((0.7, 0.03), (0.97, 0.03), (0.97, 0.34), (0.7, 0.34))),
}
"""What is drawn for the picture of the page for drawing, with its names; it is not saved."""


def shoot(page: Page, address: str, out: Path) -> list[Path]:
    """A picture of each page of the console at the address; the files. Raises playwright's Error."""
    _open(page, f"{address}#/events")
    page.locator('[role="option"] img').first.wait_for(timeout=_EVENT_LIMIT_MS)
    taken = []
    for name in _PAGES:
        page.goto(f"{address}#/{name}")
        page.wait_for_timeout(_SHOWN_MS)
        if name == "draw":
            _draw(page)
        file = out / f"console-{name}.jpg"
        page.locator("main").screenshot(path=file, type="jpeg", quality=80)
        taken.append(file)
    return taken


def _draw(page: Page) -> None:
    """By the mouse, as a person does. Raises playwright's Error."""
    for what, (name, corners) in _DRAWN.items():
        page.get_by_role("button", name=f"Add: {what}").click()
        board = page.get_by_role("group", name="to draw on").bounding_box()
        for x, y in corners:
            if board is not None:
                page.mouse.click(board["x"] + x * board["width"], board["y"] + y * board["height"])
        if what != "line":
            page.get_by_role("button", name="Done").click()
        page.get_by_role("group", name=what, exact=True).get_by_label("Name").fill(name)
        page.get_by_role("group", name=what, exact=True).get_by_label("Name").press("Enter")
    page.get_by_text("The device would accept this.").wait_for()
    page.set_viewport_size({"width": _WIDTH, "height": _WHOLE})


def _open(page: Page, address: str) -> None:
    """The demo says the address before its console runs. Raises playwright's Error."""
    for left_s in reversed(range(_OPENS_S)):
        try:
            page.goto(address)
        except Error:
            if not left_s:
                raise
            page.wait_for_timeout(1000.0)
        else:
            return


def main(argv: Sequence[str] | None = None) -> int:
    """0 if every picture was taken, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m measure.screenshots", description=__doc__)
    parser.add_argument("address", help="of the console, such as http://127.0.0.1:8181/")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="the folder of the pictures (docs)")
    options = parser.parse_args(argv)
    try:
        chromium = setup_chromium()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.program, env=dict(chromium.environment))
            page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, locale="en-GB")
            for file in shoot(page, options.address, options.out):
                print(file)
            browser.close()
    except (Error, ToolsError, OSError) as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
