"""The page itself: a few files, made when a release is built, that are read once and never looked up on the disk."""

import gzip
import hashlib
import mimetypes
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

INDEX: Final = "index.html"
MISSING: Final = "This build has no page. Make it with `python -m tools.setup setup-console`, and build again.\n"


class PageFiles:
    """Answers with the page's files. A path is a name in a table: none leads anywhere else."""

    def __init__(self, folder: Traversable | None = None) -> None:
        """Reads them from `folder`, by default where the build puts them; in a device's zip as well."""
        folder = files("smartcam.console") / "static" if folder is None else folder
        found = [file for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
        self._files = {file.name: gzip.compress(file.read_bytes(), 9, mtime=0) for file in found}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._files)

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return Route("/", self.answer), Route("/{name}", self.answer)

    async def answer(self, request: Request) -> Response:
        """The file that a path names."""
        name = request.path_params.get("name") or INDEX
        if (packed := self._files.get(name)) is None:
            return PlainTextResponse("there is no such page\n" if self._files else MISSING, 404)
        etag = f'"{hashlib.sha256(packed).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(gzip.decompress(packed), headers=headers, media_type=kind)
        return Response(packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=kind)
