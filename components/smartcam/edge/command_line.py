"""What the command lines of the components have in common."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from smartcam.contract.errors import BusError, SettingsError
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.document import DocumentError, document_from
from smartcam.edge.logs import LEVELS, configure_logging, log
from smartcam.edge.one_instance import SecondInstance, only_instance
from smartcam.edge.ring.sealed import DEFAULT_FOLDER, FOLDER_VARIABLE
from smartcam.edge.self_test import Trial, run_self_test

logger = logging.getLogger(__name__)

THING_VARIABLE: Final = "AWS_IOT_THING_NAME"
"""In which a nucleus tells a component the device's name."""


def component_parser(prog: str, description: str, configuration_goes_with: str) -> argparse.ArgumentParser:
    """A parser with the arguments of every component that reads a configuration document."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=f"{description} Runs under a Greengrass nucleus;"
        f" {FOLDER_VARIABLE} selects the folder for shared memory.",
    )
    parser.add_argument(
        "--check", action="store_true", help="say what the configuration would do and what is wrong with it, then exit"
    )
    parser.add_argument(
        "--configuration",
        type=Path,
        metavar="FILE",
        help=f"with {configuration_goes_with}: a JSON document instead of the nucleus's",
    )
    parser.add_argument("--log-level", default="INFO", choices=LEVELS)
    parser.add_argument(
        "--self-test", metavar="VERSION", help="prove that this is the given version and works here, then exit"
    )
    return parser


def ring_folder() -> Path:
    """The folder for shared memory."""
    return Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)


def run_simple_component(
    component: str,
    description: str,
    argv: Sequence[str] | None,
    run: Callable[[GreengrassBus], int],
    say: Callable[[Mapping[str, object]], str],
    trials: tuple[Trial, ...] = (),
) -> int:
    """The command line of a component with a configuration and nothing else. `say`: what a document would do, in words.

    Returns the exit code: that of `run`, 1 for a self-test that failed, 2 for a wrong call, document or no nucleus.
    """
    prog = component.lower().replace(".", "-")
    parser = component_parser(prog, description, "--check")
    options = parser.parse_args(argv)
    if options.configuration is not None and not options.check:
        parser.error("--configuration goes with --check")
    configure_logging(options.log_level)
    if options.self_test is not None:
        return run_self_test(component, options.self_test, trials)
    if not options.check:
        return run_with_nucleus(prog, component, run)
    try:
        words = say(document_from(options.configuration, GreengrassBus))
    except (DocumentError, SettingsError) as error:
        sys.stderr.write(f"{prog}: {error}\n")
        return 2
    sys.stdout.write(f"{words}\n")
    return 0


def run_with_nucleus(prog: str, component: str, run: Callable[[GreengrassBus], int]) -> int:
    """Connect to the nucleus and run, as the only instance of the component in the current folder.

    Returns the exit code: 2 where there is no nucleus, 1 where another instance runs.
    """
    try:
        bus = GreengrassBus()
    except BusError as error:
        sys.stderr.write(f"{prog}: {error}\n")
        return 2
    try:
        with only_instance(component, Path.cwd()):
            return run(bus)
    except SecondInstance as error:
        log(logger, logging.CRITICAL, "second_instance", component=component, error=error)
        return 1
    finally:
        bus.close()
