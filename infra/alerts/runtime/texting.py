"""How many SMS a day may cost: what a message may use of a limit."""

from dataclasses import dataclass

from infra.alerts.runtime.ports import SmsRequest


@dataclass(frozen=True, slots=True)
class SmsRoom:
    """How many SMS, and how many that are not of critical alarms, may be counted before a message still fits."""

    all: int
    ordinary: int


def room_for(text: SmsRequest, limit: int) -> SmsRoom | None:
    """The last fifth of a limit is for critical alarms; None where a message is more than the limit itself.

    Ordinary messages are counted by themselves, so that neither uses up the other's share alone.
    """
    if text.phones > limit:
        return None
    return SmsRoom(limit - text.phones, limit if text.critical else limit - limit // 5 - text.phones)


def fits_ordinary(phones: int, limit: int) -> bool:
    """Whether an alert that is not critical may send SMS to so many phones while nothing of the limit is used."""
    room = room_for(SmsRequest(phones, "", critical=False), limit)
    return room is not None and room.ordinary >= 0


def nearly(used: int, limit: int) -> bool:
    """Whether four fifths of a limit are used up."""
    return used * 5 > limit * 4
