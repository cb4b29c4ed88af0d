"""What a new version proves before it takes over: that all of it can be imported with the packages on this device."""

import importlib
import pkgutil
import platform
import sys
from collections.abc import Callable

import smartcam
from smartcam.contract.errors import SmartcamError

Trial = Callable[[], str]
"""One check of a component: returns its result in words, and raises if the component would not work."""


def run_self_test(component: str, expected_version: str, trials: tuple[Trial, ...]) -> int:
    """Import every module, then run the trials; 0 when all went well. Prints one line with the results or the fault."""
    try:
        if smartcam.__version__ != expected_version:
            raise SmartcamError(f"the code is version {smartcam.__version__}")
        said = [f"{import_everything()} modules", *(trial() for trial in trials)]
    except Exception as error:  # noqa: BLE001  the edge of the process: whatever it is, this version must not run
        sys.stderr.write(f"{component} {expected_version}: self-test failed: {type(error).__name__}: {error}\n")
        return 1
    here = f"Python {platform.python_version()} on {platform.machine()}"
    sys.stdout.write(f"{component} {expected_version}: self-test passed on {here}: {'; '.join(said)}\n")
    return 0


def import_everything() -> int:
    """Import each module that came with the component; returns how many. Raises what importing raises."""
    names = [module.name for module in pkgutil.walk_packages(smartcam.__path__, "smartcam.")]
    for name in names:
        importlib.import_module(name)
    return len(names)
