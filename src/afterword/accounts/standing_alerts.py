"""What is told of an account, and when: pure functions from how it stood to how it stands."""

from datetime import datetime

import msgspec

from afterword.accounts.standing import Standing
from afterword.alerts.recording import Alert, Kind


class AccountName(msgspec.Struct, frozen=True):
    """A connected account as alerts name it."""

    id: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.capitalize()} account {self.name!r}"

    @property
    def subject(self) -> str:
        """What alerts about it are about."""
        return f"account/{self.id}"


class News(msgspec.Struct, frozen=True):
    """Alerts to record; one to withdraw instead of them, if it was not told yet; whether the standing is marked."""

    alerts: tuple[Alert, ...] = ()
    withdraws: tuple[Kind, str] | None = None
    marks: bool = False


NOTHING_NEW = News()


def alerts_after(
    account: AccountName, before: Standing | None, after: Standing | None, now: datetime
) -> News:
    """What is to be told: a refusal once, and that all is well again where trouble was told of."""
    if after is not None and after.state == "refused":
        if after.alerted_at is not None:
            return NOTHING_NEW
        return News((_refused(account, after),), marks=True)
    if before is None or before.alerted_at is None or (after is not None and after.is_blocked):
        return NOTHING_NEW
    told: Kind = "token-refused" if before.state == "refused" else "account-down"
    words = f"The {account} can be called again, as of {moment(now)}; the runs that waited for it go on"
    return News((Alert("account-back", account.subject, words),), withdraws=(told, account.subject))


def down_alert(account: AccountName, standing: Standing) -> Alert:
    """The alert that an account has been down for longer than is put up with."""
    cause = f" ({standing.reason.words})" if standing.reason else ""
    words = (
        f"The {account} has not answered since {moment(standing.since)}{cause}; "
        "runs that need it wait, and go on by themselves when it does"
    )
    return Alert("account-down", account.subject, words)


def moment(at: datetime) -> str:
    """A moment for people, in a form that no telephone number is taken for."""
    return f"{at:%H:%M} UTC on {at.day} {at:%B}"


def _refused(account: AccountName, standing: Standing) -> Alert:
    cause = standing.reason.words if standing.reason else "it gives no reason"
    words = (
        f"The token of the {account} is refused: {cause}; runs that need it wait, and go on when the account has "
        "another token, or this one is accepted again"
    )
    return Alert("token-refused", account.subject, words)
