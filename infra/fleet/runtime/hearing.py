"""What becomes of a sign of life: it is checked, and added to what is known of its device."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.alerts.runtime.handover import Refusals, moment, payload_of, rule_document
from infra.fleet.runtime.device import Device, Presence
from infra.fleet.runtime.folding import heard, noticed
from infra.fleet.runtime.ports import Answers, ChangedMeanwhile, NotAnswered, Registry
from smartcam.contract.errors import ContractError
from smartcam.contract.health import LARGEST_HEALTH_BYTES, DeviceState, Health
from smartcam.contract.ids import ThingName, thing_name
from smartcam.contract.reading import Fields, parse_object
from smartcam.contract.times import UtcNs

logger = logging.getLogger(__name__)

_TRIES: Final = 5
Fold = Callable[[Device | None], Device | None]


class SignOutcome(StrEnum):
    """The outcome of a sign of life."""

    KEPT = "kept"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Sign:
    """One message. `thing` comes from its topic; `presence` is the broker's report, None for the device's own."""

    thing: ThingName
    payload: bytes
    arrived_at: UtcNs
    presence: str | None = None

    @classmethod
    def from_rule(cls, document: Mapping[str, object]) -> "Sign":
        """The message in what the rules' SQL selects. Raises ContractError for anything else."""
        fields = Fields(document)
        return cls(
            thing=thing_name(fields.text("topic_thing"), "topic_thing"),
            payload=payload_of(fields),
            arrived_at=moment(fields, "arrived_ms"),
            presence=fields.text("presence") if fields.has("presence") else None,
        )

    def document(self) -> dict[str, object]:
        """The inverse of `from_rule`."""
        more = {} if self.presence is None else {"presence": self.presence}
        return rule_document(self.thing, self.payload, self.arrived_at, **more)

    def health(self) -> Health:
        """The device's own report. Raises ContractError where it is not one, or names another thing than its topic."""
        if len(self.payload) > LARGEST_HEALTH_BYTES:
            raise ContractError("health", f"has {len(self.payload)} bytes, at most {LARGEST_HEALTH_BYTES} are allowed")
        health = Health.from_json(self.payload)
        if health.thing != self.thing:
            raise ContractError("thing", f"must be {self.thing}, as in the topic")
        return health

    def broker_presence(self) -> Presence:
        """What the broker reports. Raises ContractError where it says anything but connected or disconnected."""
        fields = Fields(parse_object(self.payload, "presence"))
        if self.presence not in {"connected", "disconnected"}:
            raise ContractError("presence", "must be connected or disconnected")
        at = moment(fields, "timestamp")
        version = fields.integer("versionNumber") if fields.has("versionNumber") else 0
        return Presence(self.presence == "connected", at, version)


def is_of_a_stranger(document: Mapping[str, object]) -> bool:
    """Whether the broker reports a client whose name no thing can have: the account has other clients too."""
    try:
        thing_name(str(document.get("topic_thing")))
    except ContractError:
        return document.get("presence") is not None
    return False


@dataclass(frozen=True, slots=True)
class Hearing:
    """The steps from a message to the stored device."""

    registry: Registry
    refusals: Refusals
    answers: Answers

    def take(self, sign: Sign) -> SignOutcome:
        """Take one message in. Raises ChangedMeanwhile when others keep changing the device: try again later."""
        try:
            return self._keep(sign, self._fold(sign))
        except ContractError as error:
            logger.warning("sign_refused thing=%s reason=%s", sign.thing, error)
            if self.registry.may_refuse(sign.thing, sign.arrived_at):
                self.refusals.keep(sign.document(), str(error))
            return SignOutcome.REFUSED

    def _keep(self, sign: Sign, fold: Fold) -> SignOutcome:
        for left in reversed(range(_TRIES)):
            known = self.registry.device(sign.thing)
            device = fold(known)
            if device is None:
                return SignOutcome.UNKNOWN
            if device == known:
                return SignOutcome.UNCHANGED
            try:
                self.registry.save(device)
            except ChangedMeanwhile:
                if not left:
                    raise
            else:
                if sign.presence is None:
                    self._answer(device, sign.arrived_at)
                return SignOutcome.KEPT
        raise AssertionError("the loop returns or raises")

    def _answer(self, device: Device, now: UtcNs) -> None:
        """Tell the device what is wanted of it, where it does not know yet."""
        answer = None if device.state is DeviceState.STOPPING else device.answer(now)
        if answer is None:
            return
        try:
            self.answers.send(device.thing, answer)
        except NotAnswered as error:
            logger.warning("not_answered thing=%s reason=%s", device.thing, error)
        else:
            logger.info("answered thing=%s revision=%s", device.thing, answer.revision)

    def _fold(self, sign: Sign) -> Fold:
        if sign.presence is None:
            health = sign.health()
            return lambda known: heard(known, health, sign.arrived_at)
        word = sign.broker_presence()
        # The account's other clients connect too: a device is known from its first own message on.
        return lambda known: None if known is None else noticed(known, word, sign.arrived_at)
