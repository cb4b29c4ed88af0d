"""LiteRT's runtime for JavaScript, for browsers: the same .tflite, run in a headless Chromium on this machine."""

import mimetypes
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from measure.export.judging import judged
from measure.export.original import ExportedModel
from measure.export.parity import TargetRow
from standins.chromium import Chromium, setup_chromium
from tools.child import ExportFault, why
from tools.command_line import Say
from tools.setup import setup_litert_js

_PAGE: Final = Path(__file__).with_name("browser.html")
_SITE: Final = "http://smartcam.invalid/"
"""No such name can exist: what the page asks for is answered from files, and everything else is refused."""
_LIMIT_MS: Final = 300_000
_WHAT: Final = "LiteRT's runtime for JavaScript"
_TAKES: Final = ("uint8", "float32", "int32")


def export_browser(exported: ExportedModel, folder: Path, say: Say) -> Iterator[TargetRow]:
    """Writes model.tflite and manifest.json, which a page loads with @litertjs/core.

    Raises:
        ExportFault: the runtime refuses the model.
        ToolsError: the runtime or Chromium cannot be set up.
    """
    kind = str(exported.given.dtype)
    if kind not in _TAKES:
        raise ExportFault(f"takes {kind}, and {_WHAT} gives only {', '.join(_TAKES)} to a model")
    folder.mkdir()
    file = folder / "model.tflite"
    file.write_bytes(exported.model)
    (folder / "manifest.json").write_bytes(exported.manifest)
    packages, chromium = setup_litert_js(say=say), setup_chromium(say=say)
    found = _run(chromium, packages, exported)
    specs = exported.interpreter.outputs
    answers = [
        tuple(np.array(numbers, spec.dtype) for numbers, spec in zip(outputs, specs, strict=True))
        for outputs in found["found"]
    ]
    yield judged(exported, "litert-js", file, (answers, float(found["ms"])))


def _run(chromium: Chromium, packages: Path, exported: ExportedModel) -> Any:  # noqa: ANN401 - what the page gives
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - only this target waits for it

    made = {
        "": _PAGE.read_bytes(),
        "model.tflite": exported.model,
        "inputs.bin": np.stack([*exported.inputs]).tobytes(),
    }
    said: list[str] = []
    asked = {
        "kind": str(exported.given.dtype),
        "shape": list(exported.given.shape),
        "count": len(exported.inputs),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.program, env=dict(chromium.environment))
        try:
            page = browser.new_page()
            page.set_default_timeout(_LIMIT_MS)
            page.on("console", lambda line: said.append(line.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.route("**/*", _answering(made, packages))
            page.goto(_SITE)
            page.wait_for_function("() => window.answers !== undefined")
            return page.evaluate("asked => window.answers(asked)", asked)
        except Error as error:
            raise ExportFault(why("\n".join([*said, str(error).splitlines()[0]]), _WHAT)) from error
        finally:
            browser.close()


def _answering(made: Mapping[str, bytes], packages: Path) -> Callable[[Any], None]:
    """Answers the page's requests: what was made for it, and what lies in the folder of packages."""

    def answer(route: Any) -> None:  # noqa: ANN401 - playwright's
        path = urlsplit(route.request.url).path.removeprefix("/")
        file = (packages / path.removeprefix("node/")).resolve()
        is_ours = route.request.url.startswith(_SITE)
        if is_ours and path in made:
            route.fulfill(body=made[path], content_type="application/octet-stream" if path else "text/html")
        elif is_ours and path.startswith("node/") and file.is_relative_to(packages.resolve()) and file.is_file():
            kind = "application/wasm" if file.suffix == ".wasm" else mimetypes.guess_type(file.name)[0]
            route.fulfill(path=file, content_type=kind or "application/octet-stream")
        else:
            route.abort()

    return answer
