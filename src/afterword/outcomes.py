"""What can come of a piece of work, and why: the words that every part shares.

An error tells its caller what to do: :class:`Retry` (again, later), :class:`Permanent` (give up) or :class:`Skip`
(nothing to do, and that is fine). Each carries a :class:`Reason`: a stable code with values, told in words.
:class:`ConfigurationError` stands outside, so that nothing that handles outcomes can swallow it.
"""

from collections.abc import Mapping

import msgspec


class Reason(msgspec.Struct, frozen=True):
    """Why something ended as it did.

    ``code`` is stable and never holds personal data: metrics are tagged with it, translations are found by it.
    ``words`` is the English sentence, without a capital or a full stop, so that it reads after a colon.
    ``values`` are what the sentence was made from.
    """

    code: str
    words: str
    values: Mapping[str, str] = {}


class Outcome(Exception):
    """A piece of work that did not simply succeed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"{reason.code}: {reason.words}")
        self.reason = reason


class Retry(Outcome):
    """It may work later. ``after`` is the least number of seconds to wait, where the other side said so.

    ``outcome_unknown`` tells that the other side may have done the work: the call was made and its answer lost.
    ``tried`` is false when nothing was tried at all, because it was not our turn: such a wait uses up no attempt.
    ``waiting_for`` names what has to change before it makes sense to try: ``account/GA_…`` for a connected account that
    is down or whose token is refused. Such a wait uses up no attempt either, and has no time of its own.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        after: float | None = None,
        outcome_unknown: bool = False,
        tried: bool = True,
        waiting_for: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.waiting_for = waiting_for
        self.after = after
        self.outcome_unknown = outcome_unknown
        self.tried = tried


class Permanent(Outcome):
    """It will never work as it stands; somebody has to change something."""


class Skip(Outcome):
    """There is nothing to do, and that is fine."""


class ConfigurationError(Exception):
    """The installation is set up so that it cannot work; the message says what to change.

    Not an :class:`Outcome`: it ends the command that met it, it never ends a run.
    """
