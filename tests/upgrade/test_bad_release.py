"""A release whose code fails its self-test leaves the old one watching and supervised, on both nuclei, and is named in
health; a good one takes over.
"""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from standins.nucleus.profile import PROFILES
from tests.system.footage import first_visitor
from tests.system.lone_site import Site
from tests.system.rig import CAPTURE, INFERENCE, until
from tests.unit.standins.nucleus.broker import Broker, make_papers
from tests.upgrade.releases import SWAPS_ITS_ANSWERS, next_release
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, Built, build_suite

pytestmark = pytest.mark.slow
CANNOT_BE_IMPORTED = (CAPTURE, "smartcam/capture/service.py"), ("import logging", "import a_package_of_tomorrow")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    built = build_suite(tmp_path_factory.mktemp("suite") / "build", DEMO_BUNDLE)
    next_release(built, "0.2.0", dict([SWAPS_ITS_ANSWERS]))
    next_release(built, "0.3.0", dict([CANNOT_BE_IMPORTED]))
    next_release(built, "0.4.0")
    return built


def watch(site: Site) -> None:
    site.start("0.1.0")
    site.has_come_to_run("0.1.0", "0.1.0", "")
    assert until(lambda: site.events() > 0, PATIENCE_S), site.logs()
    nonsense = f"0.2.0: {INFERENCE}: .*golden output differs.*"
    unknown = f"0.3.0: {CAPTURE}: .*No module named 'a_package_of_tomorrow'"
    # Each component goes on with the version that was its last good one: 0.2.0 of capture is no bad one. On classic the
    # first of the two is test_bad_rollout's.
    good = "0.2.0" if site.profile == "lite" else "0.1.0"
    steps = [("0.2.0", "0.1.0", "0.2.0", nonsense)] if site.profile == "lite" else []
    for version, inference, capture, refused in [*steps, ("0.3.0", "0.3.0", good, unknown)]:
        # Nucleus lite has no way back from an installation that fails: what was refused is for health to say.
        assert site.deploy(version)["event"] == "deployment_succeeded", site.logs()
        site.has_come_to_run(inference, capture, refused)
    killed = set(site.pids())
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert until(lambda: not killed & set(site.pids()), PATIENCE_S), site.logs()
    site.has_come_to_run("0.3.0", good, unknown)
    site.sees_somebody()
    site.stop_nucleus()
    site.start("0.3.0")
    site.has_come_to_run("0.3.0", good, unknown)
    site.sees_somebody()
    assert site.deploy("0.4.0")["event"] == "deployment_succeeded"
    site.has_come_to_run("0.4.0", "0.4.0", "")
    assert len([code for code in site.pids().values() if "0.4.0" in code]) == 2


def test_bad_releases_leave_the_old_one_watching_and_a_good_one_takes_over(built: Built, tmp_path: Path) -> None:
    clip = first_visitor(tmp_path / "visitor.mp4")
    papers = make_papers(tmp_path)
    with ExitStack() as stack:
        sites = [
            Site(profile, tmp_path / profile, built, clip, papers, stack.enter_context(Broker(papers)))
            for profile in PROFILES
        ]
        for site in sites:
            stack.callback(site.stop)
        with ThreadPoolExecutor(len(sites)) as beside:
            list(beside.map(watch, sites))
    for site in sites:
        assert site.pids() == {}
