"""What stands in Gladly held against what is wanted: pure, from the webhooks there are to what is wrong with ours."""

import hashlib
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from afterword.accounts.gladly_accounts import GladlyAccount
from afterword.accounts.standing_alerts import moment
from afterword.gladly.models import Webhook, WebhookLogin, WebhookSettings
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED
from afterword.outcomes import Reason
from afterword.translating import N_, said
from afterword.webhook_keeping.states import Known

NAME = "Afterword"
EVENTS = (CONVERSATION_CLOSED, CONVERSATION_REOPENED)

MISSING = Reason("webhook-missing", N_("there is none in Gladly that leads to Afterword"))
DELETED = Reason("webhook-deleted", N_("it was deleted in Gladly"))


class Sight(msgspec.Struct, frozen=True):
    """What was seen at a look: our webhook, if there is one; what is wrong with it; what would put it right.

    ``wrong`` is empty for what we want otherwise ourselves, such as another public address or new credentials.
    ``spare`` are the ids of more webhooks that were made by us for the same account.
    """

    webhook: Webhook | None
    wrong: Reason | None
    changes: WebhookSettings | None = None
    spare: tuple[str, ...] = ()


def webhook_path(account_id: str) -> str:
    """The path at which a connected Gladly account's events arrive."""
    return f"/webhooks/gladly/{account_id}"


def webhook_address(public_url: str, account_id: str) -> str:
    """Where Gladly is to tell of an account's events."""
    return f"{public_url.rstrip('/')}{webhook_path(account_id)}"


def known_address(known: Known | None, public_url: str, account_id: str) -> str:
    """Where an account's webhook leads, as was last seen; before anybody has seen it, where it is to lead."""
    return (known and known.url) or webhook_address(public_url, account_id)


def public_url_in(url: str, account_id: str) -> str | None:
    """The public address that a webhook of the account leads to; ``None`` where it leads elsewhere."""
    path = webhook_path(account_id)
    return url.removesuffix(path) if url.endswith(path) else None


def look(account: GladlyAccount, url: str, webhooks: Sequence[Webhook], known: Known | None) -> Sight:
    """Find our webhook among those of an organization, and what is to be said of it.

    It is known by its address, on whatever host (the account's id in it is ours alone), or by the id that it had.
    """
    candidates = sorted(
        (one for one in webhooks if _leads_here(one, account.id) or _is_known(one, known)),
        key=lambda one: (one.url != url, not _is_known(one, known), one.name != NAME),
    )
    if not candidates:
        has_been = known is not None and known.webhook_id is not None
        return Sight(None, DELETED if has_been else MISSING)
    webhook, others = candidates[0], candidates[1:]
    wrong = [*_wrong(account, webhook, known, url)]
    return Sight(
        webhook,
        _together(wrong),
        _changes(account, url, webhook, known),
        tuple(one.id for one in others if one.name == NAME),
    )


def wanted(account: GladlyAccount, url: str) -> WebhookSettings:
    """A webhook of ours as it is made."""
    made = WebhookSettings(name=NAME, url=url, events=list(EVENTS), enabled=True)
    return _with_proof(made, account)


def credentials_digest(account: GladlyAccount) -> bytes:
    """A digest of the newest of the account's credentials: those that a webhook of ours is given."""
    newest = (account.webhook.basic[:1], account.webhook.header_tokens[:1])
    return hashlib.sha256(msgspec.json.encode(newest)).digest()


def _leads_here(webhook: Webhook, account_id: str) -> bool:
    return urlsplit(webhook.url).path.rstrip("/").endswith(webhook_path(account_id))


def _is_known(webhook: Webhook, known: Known | None) -> bool:
    return known is not None and webhook.id == known.webhook_id


def _wrong(account: GladlyAccount, webhook: Webhook, known: Known | None, url: str) -> Iterator[Reason]:
    """All that keeps it from telling us of closings, the weightiest first."""
    if webhook.enabled is False and webhook.disabled_at_due_to_retry_limit is not None:
        at = webhook.disabled_at_due_to_retry_limit
        words = said(
            "Gladly switched it off at %(moment)s, after too many deliveries had failed", moment=moment(at)
        )
        yield Reason("webhook-switched-off-by-gladly", words, {"at": at.isoformat()})
    elif webhook.enabled is False:
        yield Reason("webhook-switched-off", N_("it was switched off in Gladly"))
    if not _leads_here(webhook, account.id) or (
        account.delivery == "own" and webhook.url not in (url, known and known.url)
    ):
        yield Reason("webhook-changed", N_("its address was changed in Gladly"))
    if missing := _missing_events(webhook):
        yield Reason("webhook-changed", said("it does not tell of %(events)s", events=" and ".join(missing)))
    if account.webhook.basic and webhook.has_credentials is False:
        yield Reason("webhook-changed", N_("it comes without a user name and password"))
    if account.webhook.header_tokens and not _brings_header(account, webhook):
        yield Reason(
            "webhook-changed",
            said("it comes without the header %(account)s", account=account.webhook.header_tokens[0].name),
        )


def _together(wrong: Sequence[Reason]) -> Reason | None:
    if not wrong:
        return None
    return msgspec.structs.replace(wrong[0], words=", and ".join(reason.words for reason in wrong))


def _missing_events(webhook: Webhook) -> list[str]:
    return [] if webhook.events is None else [event for event in EVENTS if event not in webhook.events]


def _brings_header(account: GladlyAccount, webhook: Webhook) -> bool:
    """Whether it has a header that we know; Gladly shows names without values."""
    if webhook.header_keys is None:
        return True
    there = {name.lower() for name in webhook.header_keys}
    return any(pair.name.lower() in there for pair in account.webhook.header_tokens)


def _changes(
    account: GladlyAccount, url: str, webhook: Webhook, known: Known | None
) -> WebhookSettings | None:
    """What has to be said to Gladly so that it is as wanted; nothing else of it is changed."""
    changes = WebhookSettings(
        url=msgspec.UNSET if webhook.url == url else url,
        events=[*dict.fromkeys([*(webhook.events or ()), *EVENTS])]
        if _missing_events(webhook)
        else msgspec.UNSET,
        enabled=True if webhook.enabled is False else msgspec.UNSET,
    )
    if not _has_proof(account, webhook, known):
        changes = _with_proof(changes, account)
    return None if changes == WebhookSettings() else changes


def _has_proof(account: GladlyAccount, webhook: Webhook, known: Known | None) -> bool:
    """Whether the newest credentials were put there, and nobody took them away since."""
    return (
        known is not None
        and _is_known(webhook, known)
        and known.credentials_sha256 == credentials_digest(account)
        and not (account.webhook.basic and webhook.has_credentials is False)
        and not (account.webhook.header_tokens and not _brings_header(account, webhook))
    )


def _with_proof(settings: WebhookSettings, account: GladlyAccount) -> WebhookSettings:
    for pair in account.webhook.basic[:1]:
        settings = msgspec.structs.replace(settings, credentials=WebhookLogin(pair.username, pair.password))
    for header in account.webhook.header_tokens[:1]:
        settings = msgspec.structs.replace(settings, headers={header.name: header.token})
    return settings
