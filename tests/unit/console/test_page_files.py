import gzip
import zipfile
from pathlib import Path

import pytest

from smartcam.console.page_files import PageFiles
from tests.fakes.console_world import ConsoleWorld


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "main.js").write_text("let a = 1;" * 100)
    return folder


def test_files_are_read_once_out_of_a_devices_zip_as_well(static: Path, tmp_path: Path) -> None:
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as writing:
        for file in static.iterdir():
            writing.write(file, f"static/{file.name}")
    in_zip = PageFiles(zipfile.Path(archive, "static/"))
    assert len(in_zip) == len(PageFiles(static)) == 2


def test_without_a_page_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    assert len(PageFiles(tmp_path / "nothing")) == 0


def test_the_page_is_sent_small_and_not_twice(world: ConsoleWorld) -> None:
    answer = world.ask("GET", "/", headers={"Accept-Encoding": "gzip"})
    if answer.status == 404:
        assert b"setup-console" in answer.body
        pytest.skip("the page is not made: python -m tools.setup setup-console")
    assert answer.headers["content-type"].startswith("text/html")
    assert gzip.decompress(answer.body).lower().startswith(b"<!doctype html>")
    again = world.ask("GET", "/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    script = world.ask("GET", "/main.js", headers={"Accept-Encoding": "gzip"})
    assert (script.status, script.headers["content-encoding"]) == (200, "gzip")
    assert "javascript" in script.headers["content-type"]
    assert len(script.body) < 300_000
    assert world.ask("GET", "/nothing.js").status == 404
