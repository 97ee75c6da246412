"""What a fault says, which calls and deliveries it strikes, and how often it did."""

import random
import re
from typing import Annotated, Literal

import msgspec

from afterword_sandbox.errors import ErrorForm
from afterword_sandbox.identifiers import new_id

STANDING_LIMIT = 200
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
When = Literal["before", "after"]


class Fault(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, tag_field="effect"
):
    """How often: at most ``times`` (for ever when None), each time with ``probability``; ``seed`` makes chance
    repeatable.
    """

    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    seed: int | None = None


class CallFault(Fault, frozen=True):
    """A fault of calls: of a method (any when None) and a path, where ``*`` is one part and ``**`` any number."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    path: Annotated[str, msgspec.Meta(pattern="^/api/", max_length=500)] = "/api/**"


class Answer(CallFault, frozen=True, tag="answer"):
    """Answer with this status, before the work, which is then not done, or after it.

    ``retry_after`` is the header of this name in seconds, ``body`` the form of the error; None leaves the form to the
    settings.
    """

    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    retry_after: Annotated[float, msgspec.Meta(ge=0)] | None = None
    body: ErrorForm | None = None
    when: When = "before"


class Hang(CallFault, frozen=True, tag="hang"):
    """Let so many seconds pass. *Before*: who gave up meanwhile has nothing done; *after*: it was done at once."""

    seconds: Seconds = 60.0
    when: When = "before"


class Drop(CallFault, frozen=True, tag="drop"):
    """Close the connection: before the work, after it without an answer, or after it in the middle of the answer."""

    when: Literal["before", "after", "midway"] = "before"


class Garble(CallFault, frozen=True, tag="garble"):
    """Answer as if all were well, with a body that is no JSON; truncated, it is the half of the right one."""

    form: Literal["html", "bytes", "truncated", "empty"] = "html"
    when: When = "after"

    def __post_init__(self) -> None:
        """Refuse half an answer that was never made."""
        if self.form == "truncated" and self.when == "before":
            raise ValueError("a truncated answer needs the work done: when must be after")


class DeliveryFault(Fault, frozen=True):
    """A fault of deliveries: of a webhook (any when None) and a type of event, where ``*`` is any text."""

    event_type: Annotated[str, msgspec.Meta(max_length=200)] = "*"
    webhook_id: str | None = None


class Duplicate(DeliveryFault, frozen=True, tag="duplicate"):
    """Deliver twice, the second time so many seconds later, and perhaps with an event id of its own."""

    seconds: Seconds = 0.0
    other_id: bool = False


class Late(DeliveryFault, frozen=True, tag="late"):
    """Deliver so many seconds later."""

    seconds: Seconds = 60.0


class OutOfOrder(DeliveryFault, frozen=True, tag="out-of-order"):
    """Deliver after the webhook's next delivery; when none comes, after so many seconds."""

    seconds: Seconds = 60.0


class Lose(DeliveryFault, frozen=True, tag="lose"):
    """Deliver never, and note it nowhere."""


class Fail(DeliveryFault, frozen=True, tag="fail"):
    """Count an attempt as failed, so that it is sent again and the webhook is deactivated in the end.

    *Before*: nothing is sent. *After*: it is delivered, and the receiver's answer is lost. Unlike the other faults
    this one strikes resends too.
    """

    when: When = "before"


OfCalls = Answer | Hang | Drop | Garble
OfDeliveries = Duplicate | Late | OutOfOrder | Lose | Fail
AnyFault = OfCalls | OfDeliveries


def _path_pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*?)", path)
    wild = {"*": "[^/]+", "**": ".*"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts))


def _text_pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)


class Standing:
    """A fault that stands, with what it matched and struck so far."""

    def __init__(self, fault: AnyFault) -> None:
        self.id = new_id()
        self.fault = fault
        self.matched = 0
        self.struck = 0
        self._chance = random.Random(fault.seed)  # noqa: S311 -- chance that can be repeated is what is wanted
        self._pattern = (
            _path_pattern(fault.path) if isinstance(fault, CallFault) else _text_pattern(fault.event_type)
        )

    @property
    def is_spent(self) -> bool:
        """Say whether it has struck as often as it was to."""
        return self.fault.times is not None and self.struck >= self.fault.times

    def matches(self, text: str) -> bool:
        """Say whether a path, or a type of event, is meant."""
        return self._pattern.fullmatch(text) is not None

    def strikes(self) -> bool:
        """Count something that it is meant for, and say whether it strikes that."""
        if self.is_spent:
            return False
        self.matched += 1
        if self._chance.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True

    def wire(self) -> dict[str, object]:
        """Return it as the control address shows it."""
        said: dict[str, object] = msgspec.to_builtins(self.fault)
        return {"id": self.id, **said, "matched": self.matched, "struck": self.struck}


class Faults:
    """The faults that stand, oldest first: of several that are meant for a thing, the first that strikes does."""

    def __init__(self) -> None:
        self._standing: dict[str, Standing] = {}

    def all(self) -> list[Standing]:
        """Return every fault, those that are spent too, until they are cleared."""
        return list(self._standing.values())

    def add(self, fault: AnyFault) -> Standing:
        """Let a fault stand. Beyond `STANDING_LIMIT` the oldest gives way, one that is spent if there is any."""
        if len(self._standing) >= STANDING_LIMIT:
            oldest = next((each for each in self._standing.values() if each.is_spent), None)
            self.remove((oldest or next(iter(self._standing.values()))).id)
        standing = Standing(fault)
        self._standing[standing.id] = standing
        return standing

    def get(self, fault_id: str) -> Standing | None:
        """Return one fault, or None."""
        return self._standing.get(fault_id)

    def remove(self, fault_id: str) -> bool:
        """Let a fault stand no longer; False when there is none of this id."""
        return self._standing.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Let no fault stand."""
        self._standing.clear()

    def of_call(self, method: str, path: str) -> OfCalls | None:
        """Return what strikes this call, and count it."""
        for standing in self._standing.values():
            fault = standing.fault
            if (
                isinstance(fault, CallFault)
                and fault.method in {None, method}
                and standing.matches(path)
                and standing.strikes()
            ):
                return fault
        return None

    def of_delivery(self, event_type: str, webhook_id: str) -> OfDeliveries | None:
        """Return what strikes this delivery as a whole, and count it; `Fail` is asked for with each attempt."""
        return self._of_webhook(event_type, webhook_id, attempt=False)

    def of_attempt(self, event_type: str, webhook_id: str) -> Fail | None:
        """Return the `Fail` that strikes this attempt at a delivery, and count it."""
        fault = self._of_webhook(event_type, webhook_id, attempt=True)
        return fault if isinstance(fault, Fail) else None

    def _of_webhook(self, event_type: str, webhook_id: str, *, attempt: bool) -> OfDeliveries | None:
        for standing in self._standing.values():
            fault = standing.fault
            if (
                isinstance(fault, DeliveryFault)
                and isinstance(fault, Fail) == attempt
                and fault.webhook_id in {None, webhook_id}
                and standing.matches(event_type)
                and standing.strikes()
            ):
                return fault
        return None
