"""Debian's Chromium, and a page of ours in it."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from standins.chromium import Chromium, setup_chromium
from tools.setup import ToolsError, setup_axe, setup_console

PATIENCE_MS = 60_000
"""How long a page may take on a busy machine to do what it does at once."""
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium() -> Chromium:
    try:
        return setup_chromium(say=lambda _: None)
    except ToolsError as error:
        pytest.skip(f"no Chromium: {error}")


@pytest.fixture(scope="module")
def browser(chromium: Chromium) -> Iterator[Browser]:
    """One for each file: while it is there, nothing else in this process can run an event loop."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=chromium.program,
            env=dict(chromium.environment),
            args=["--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns"],
        )
        yield made
        made.close()


@pytest.fixture(scope="session")
def console_page() -> Path:
    """The folder with the console's page, made of its source."""
    try:
        return setup_console(say=lambda _: None)
    except ToolsError as error:
        pytest.skip(f"no page: {error}")


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that judges whether everybody can use a page."""
    try:
        return setup_axe(say=lambda _: None).read_text(encoding="utf-8")
    except ToolsError as error:
        pytest.skip(f"no axe-core: {error}")


def patient(context: BrowserContext) -> BrowserContext:
    """The same, with our patience."""
    context.set_default_timeout(PATIENCE_MS)
    return context


class _Files(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the library's
        del format, args


@pytest.fixture
def player(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page that plays what lies in this test's folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    (tmp_path / "player.html").write_bytes(Path(__file__).with_name("player.html").read_bytes())
    page = patient(browser.new_context()).new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/player.html")
    try:
        yield page
    finally:
        page.context.close()
        server.shutdown()
        thread.join()
        server.server_close()
