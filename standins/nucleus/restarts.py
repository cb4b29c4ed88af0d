"""Whether a component that failed is started once more. Pure: the times come from outside, in seconds."""

from collections.abc import Sequence
from typing import Protocol

from standins.nucleus.profile import LifecycleRules, RestartRule


class Restarts(Protocol):
    """Counts what happens to one step of one component."""

    def started(self, at: float) -> None:
        """The step was started."""

    def failed(self, at: float) -> bool:
        """The step has failed; whether it may be started again."""

    def reset(self) -> None:
        """The component left the step without an error."""


class StartLimit:
    """Lite's: systemd counts starts, also those that went well for a while."""

    def __init__(self, rules: LifecycleRules) -> None:
        self._rules = rules
        self._starts: list[float] = []

    def started(self, at: float) -> None:
        """See `Restarts`."""
        self._starts.append(at)

    def failed(self, at: float) -> bool:
        """See `Restarts`."""
        return may_start(self._starts, at, self._rules)

    def reset(self) -> None:
        """See `Restarts`: systemd forgets nothing."""


class ErrorLimit:
    """Classic's: errors in a row; one that comes a whole window after the one before begins the count anew."""

    def __init__(self, rules: LifecycleRules) -> None:
        self._rules = rules
        self._errors: list[float] = []

    def started(self, at: float) -> None:
        """See `Restarts`."""

    def failed(self, at: float) -> bool:
        """See `Restarts`."""
        if self._errors and at - self._errors[-1] >= self._rules.window_s:
            self._errors.clear()
        self._errors.append(at)
        return len(self._errors) < self._rules.attempts

    def reset(self) -> None:
        """See `Restarts`."""
        self._errors.clear()


def restarts(rules: LifecycleRules) -> Restarts:
    """The counter that these rules ask for."""
    return StartLimit(rules) if rules.restart is RestartRule.STARTS_IN_WINDOW else ErrorLimit(rules)


def may_start(starts: Sequence[float], now: float, rules: LifecycleRules) -> bool:
    """Whether a unit that was started at these times may be started once more."""
    recent = [start for start in starts if now - start < rules.window_s]
    return len(recent) < rules.attempts
