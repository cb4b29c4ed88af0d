"""Lite's IPC service dies alone and forgets all tokens: the components leave, come back with fresh ones, and see on."""

import re
from pathlib import Path

import pytest

from smartcam.edge.fresh_token import PATIENCE_S as REFUSED_S
from tests.system.footage import first_visitor
from tests.system.lone_site import Site
from tests.system.rig import CAPTURE, INFERENCE, until
from tests.unit.standins.nucleus.broker import Broker, make_papers
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, build_suite

pytestmark = pytest.mark.slow


def test_after_the_death_of_the_ipc_service_both_components_get_fresh_tokens_and_no_camera_is_called_lost(
    tmp_path: Path,
) -> None:
    built = build_suite(tmp_path / "build", DEMO_BUNDLE)
    papers = make_papers(tmp_path)
    with Broker(papers) as broker:
        site = Site("lite", tmp_path / "lite", built, first_visitor(tmp_path / "visitor.mp4"), papers, broker)
        try:
            site.start(built.version)
            assert until(lambda: site.events() > 0, PATIENCE_S), site.logs()
            old = set(site.pids())
            event_id, *_ = re.findall(r" event event_id=(\S+) .*phase=raised", site.log(INFERENCE))
            site.kill_ipc()
            assert until(lambda: len(set(site.pids()) - old) == 2, PATIENCE_S + REFUSED_S), site.logs()
            site.sees_somebody()
            assert not old & set(site.pids())
            # The episode that was open goes on: it is cleared, and not raised again.
            of_it = re.compile(rf" event event_id={event_id} .*phase=(\w+)")
            assert until(lambda: of_it.findall(site.log(INFERENCE)) == ["raised", "cleared"], PATIENCE_S), site.logs()
            for component in (CAPTURE, INFERENCE):
                log = site.log(component)
                assert f"component_ended component={component} code=75 ended_by=token" in log
                words = [line.split()[3] for line in log.splitlines() if " WARNING " in line]
                assert [words.count(word) for word in ("nucleus_refuses_token", "component_leaving")] == [1, 1], log
            assert "kind=camera_lost" not in site.log(INFERENCE)
        finally:
            site.stop()
