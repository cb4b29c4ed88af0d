"""The wizard of the first use, as routes of the console on a PC: find, look, say who is told, plan, and deploy.

A device's own console has none of this, and a page without it.
"""

import hmac
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smartcam.console.door import fields_of
from smartcam.console.page_files import PageFiles
from smartcam.contract.errors import SmartcamError
from smartcam.contract.reading import Fields
from tools.command_line import ROOT
from tools.console.deploying import Busy, Deploying
from tools.console.ordering import camera_names, deployed, filled, planned, read_cameras, read_order
from tools.console.stills import still
from tools.setup import PC_CONSOLE, Toolchain, setup_cloud

Look = Callable[[], tuple[str, Sequence[str]]]


class Wizard:
    """One person's way to the first deployment; whatever takes long runs once at a time."""

    def __init__(self, look: Look, folder: Path, word: str, toolchain: Callable[[], Toolchain] = setup_cloud) -> None:
        """`look` finds cameras: as YAML, and what there is to say. The configuration is kept in `folder`.

        Only who knows the `word` is answered: others with an account on this machine reach its ports too, and must
        neither deploy with this one's keys nor see files with this one's rights.
        """
        self._look = look
        self._word = word.encode()
        self._folder = folder
        self._toolchain = toolchain
        self._deploying = Deploying()
        self._one_at_a_time = threading.Lock()

    def routes(self) -> Sequence[Route]:
        """All of them, and the page with it, in place of a device's."""
        doing = {
            "state": self.state,
            "cameras": self.cameras,
            "find": self.find,
            "picture": self.picture,
            "plan": self.plan,
            "deploy": self.deploy,
            "stop": self.stop,
        }
        return (
            *(Route(f"/api/setup/{name}", self._answering(do), methods=["POST"]) for name, do in doing.items()),
            *PageFiles(ROOT / PC_CONSOLE / "static").routes(),
        )

    def state(self, _: Fields) -> Response:
        """How far a deployment is."""
        return JSONResponse(self._deploying.document())

    def find(self, _: Fields) -> Response:
        """Look for cameras now."""
        with self._alone():
            text, remarks = self._look()
        return JSONResponse({"yaml": text, "remarks": list(remarks)})

    def cameras(self, fields: Fields) -> Response:
        """The cameras in a configuration, once it is right."""
        return JSONResponse({"cameras": camera_names(filled(fields, "cameras"))})

    def picture(self, fields: Fields) -> Response:
        """What a camera of the configuration shows."""
        capture = read_cameras(filled(fields, "cameras"))["smartcam.Capture"]
        with self._alone():
            return Response(still(capture, fields.text("camera")), media_type="image/jpeg")

    def plan(self, fields: Fields) -> Response:
        """Check what was filled in, and begin to say what would be done."""
        order = read_order(fields, self._folder)
        self._deploying.plan(planned(order), partial(deployed, order, self._toolchain))
        return JSONResponse(self._deploying.document())

    def deploy(self, fields: Fields) -> Response:
        """The last yes."""
        self._deploying.agree(fields.text("plan"))
        return JSONResponse(self._deploying.document())

    def stop(self, _: Fields) -> Response:
        """End what runs, or put a plan aside."""
        self._deploying.stop()
        return JSONResponse(self._deploying.document())

    def close(self) -> None:
        """Whatever runs is ended."""
        self._deploying.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._one_at_a_time.acquire(blocking=False):
            raise Busy("cameras are looked for or looked through just now: try again in a few seconds")
        try:
            yield
        finally:
            self._one_at_a_time.release()

    def _answering(self, do: Callable[[Fields], Response]) -> Callable[[Request], Response]:
        """A route whose work is done in a thread; what is wrong is said in the words of whoever refuses it."""

        def answered(request: Request) -> Response:
            fields = fields_of(request)
            try:
                if not hmac.compare_digest(fields.text("word").encode(), self._word):
                    return JSONResponse({"error": "go on at the address for this that the terminal says"}, 403)
                return do(fields)
            except Busy as error:
                return JSONResponse({"error": str(error)}, 409)
            except (SmartcamError, OSError) as error:
                return JSONResponse({"error": str(error)}, 400)

        return answered
