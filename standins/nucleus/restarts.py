"""Whether a component that failed is started again. Pure: times are passed in, in seconds."""

from standins.nucleus.profile import LifecycleRules


class StartLimit:
    """Lite's: systemd counts every start within the window, including those that ran well for a while."""

    def __init__(self, rules: LifecycleRules) -> None:
        self._rules = rules
        self._starts: list[float] = []

    def started(self, at: float) -> None:
        """The step was started."""
        self._starts.append(at)

    def failed(self, at: float) -> bool:
        """The step has failed; whether it may be started again."""
        recent = [start for start in self._starts if at - start < self._rules.window_s]
        return len(recent) < self._rules.attempts


class ErrorLimit:
    """Classic's: errors in a row; one that comes a whole window after the previous one restarts the count."""

    def __init__(self, rules: LifecycleRules) -> None:
        self._rules = rules
        self._errors: list[float] = []

    def failed(self, at: float) -> bool:
        """The step has failed; whether it may be started again."""
        if self._errors and at - self._errors[-1] >= self._rules.window_s:
            self._errors.clear()
        self._errors.append(at)
        return len(self._errors) < self._rules.attempts

    def reset(self) -> None:
        """The component left the step without an error."""
        self._errors.clear()
