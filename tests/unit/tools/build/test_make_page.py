import os
import zipfile
from pathlib import Path

import pytest

from tools.build import command
from tools.build.suite import artifact_names, build_suite
from tools.command_line import ROOT
from tools.setup import ToolsError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    page = tmp_path / "components/smartcam/console/page"
    page.mkdir(parents=True)
    for name in ("main.jsx", "index.html"):
        (page / name).write_text("source")
    return tmp_path


def test_the_page_is_made_where_there_is_none_and_where_its_source_is_newer(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    static = root / "components/smartcam/console/static"
    made: list[Path] = []

    def make(where: Path, *_: object) -> Path:
        made.append(where)
        static.mkdir(exist_ok=True)
        (static / "index.html").write_text("page")
        return static

    monkeypatch.setattr(command, "setup_console", make)
    command.make_page(root)
    command.make_page(root)
    assert made == [root]
    os.utime(static / "index.html", (1, 1))
    command.make_page(root)
    assert made == [root, root]


def test_a_build_without_the_tools_for_the_page_goes_on_and_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> Path:
        raise ToolsError("npm failed")

    monkeypatch.setattr(command, "setup_console", fail)
    command.make_page(root)
    assert "WARNING: smartcam.Console has no page: npm failed" in capsys.readouterr().err


def test_the_consoles_code_travels_with_its_page_and_without_its_source(tmp_path: Path) -> None:
    static = ROOT / "components/smartcam/console/static"
    if not static.is_dir():
        pytest.skip("the page is not made: python -m tools.setup setup-console")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    built = build_suite(tmp_path / "out", bundle)
    assert artifact_names()["smartcam.Console"] == ("run.sh", "smartcam-console.zip")
    code = next(path for path in built.artifacts_of("smartcam.Console") if path.suffix == ".zip")
    names = zipfile.ZipFile(code).namelist()
    assert {f"smartcam/console/static/{path.name}" for path in static.iterdir()} <= set(names)
    assert [name for name in names if "/page/" in name or "/capture/" in name or "/inference/" in name] == []
