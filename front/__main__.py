"""`python3 -m front <verb> ...`: the command under whatever Python there is, which is how GDK calls the build."""

import importlib.util
import os
import sys
from pathlib import Path

_ENVIRONMENT = Path(__file__).resolve().parent.parent / ".venv"


def _elsewhere(argv: list[str]) -> int:
    """Go on in the project's environment."""
    python = _ENVIRONMENT / "bin" / "python"
    if python.exists() and Path(sys.prefix) != _ENVIRONMENT:
        os.execv(python, [str(python), "-m", "front", *argv])  # noqa: S606
    print("smartcam: the environment is missing; make setup", file=sys.stderr)
    return 2


if __name__ == "__main__":
    if importlib.util.find_spec("smartcam") is None:
        sys.exit(_elsewhere(sys.argv[1:]))
    from front.main import main

    sys.exit(main())
