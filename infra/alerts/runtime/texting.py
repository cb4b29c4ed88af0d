"""How many SMS a day may cost: what each message may use of a limit."""

from infra.alerts.runtime.ports import Text


def room_for(text: Text, limit: int) -> int:
    """How many SMS may be counted before this one still fits: the last fifth of a limit is for critical alarms."""
    reserve = 0 if text.critical else limit // 5
    return limit - reserve - text.phones


def nearly(used: int, limit: int) -> bool:
    """Whether four fifths of a limit are used up."""
    return used * 5 > limit * 4
