"""What is done to a running device, and when: a plan is a list of moments, in seconds after the clip began.

Each moment may wait for the first event first. Nucleus lite gives a component three starts an hour, so no plan kills
one more than twice between two starts of the nucleus.
"""

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from smartcam.contract.times import NS_PER_S
from tests.system.judge import Judge
from tests.system.rig import CAPTURE, INFERENCE, Rig, until
from tests.waiting import PATIENCE_S


class Fault(StrEnum):
    CAPTURE = "capture"
    INFERENCE = "inference"
    NUCLEUS = "nucleus"
    CUT = "cut"
    MEND = "mend"
    AWAIT_EVENT = "await event"


@dataclass(frozen=True, slots=True)
class Moment:
    at_s: float
    fault: Fault


Plan = Sequence[Moment]


def random_plan(seed: int, clip_s: float, cut_s: float) -> Plan:
    """Capture, inference and the nucleus killed once each at any moment, and a cut of so many seconds."""
    dice = random.Random(seed)  # noqa: S311  a plan, no secret
    killed = (Fault.CAPTURE, Fault.INFERENCE, Fault.NUCLEUS)
    moments = [Moment(dice.uniform(0.5, clip_s), fault) for fault in killed]
    cut_at = dice.uniform(0, clip_s)
    moments += [Moment(cut_at, Fault.CUT), Moment(cut_at + cut_s, Fault.MEND)]
    return sorted(moments, key=lambda moment: moment.at_s)


def play(plan: Plan, rig: Rig, judge: Judge) -> Plan:
    """Do all that is planned; returns it with the moments at which it was really done."""
    assert until(lambda: any(status.opened_at for status in rig.statuses()), PATIENCE_S), rig.logs()
    began = rig.clip_began()
    inflict: Mapping[Fault, Callable[[], object]] = {
        Fault.CAPTURE: lambda: kill(rig, CAPTURE),
        Fault.INFERENCE: lambda: kill(rig, INFERENCE),
        Fault.NUCLEUS: rig.kill_nucleus,
        Fault.CUT: judge.cut,
        Fault.MEND: judge.mend,
        Fault.AWAIT_EVENT: lambda: until(lambda: bool(raised(rig)), PATIENCE_S),
    }
    done = []
    for moment in plan:
        time.sleep(max(moment.at_s - (time.time_ns() - began) / NS_PER_S, 0))
        done.append(Moment((time.time_ns() - began) / NS_PER_S, moment.fault))
        rig.hurts.append(f"{done[-1].at_s:.1f} s {moment.fault}")
        inflict[moment.fault]()
    return done


def raised(rig: Rig) -> list[str]:
    """The events that inference says it has raised, by their ids."""
    return re.findall(r" event event_id=(\S+) .*phase=raised", rig.log(INFERENCE))


def kill(rig: Rig, component: str) -> None:
    """kill -9, as soon as the component runs: it may just be on its way up from the blow before."""
    assert until(lambda: bool(rig.pids(component)), PATIENCE_S), rig.logs()
    rig.kill(component)
