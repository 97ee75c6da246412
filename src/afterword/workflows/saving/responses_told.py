"""Having a real Qualtrics tell of a survey's responses: the survey read and checked first, then subscribed to."""

import msgspec

from afterword.accounts import subscribing
from afterword.accounts.qualtrics_accounts import QualtricsAccount
from afterword.accounts.reaching import AddressNotReachable, check_reachable
from afterword.outcomes import ConfigurationError
from afterword.qualtrics.client import QualtricsClient
from afterword.qualtrics.errors import (
    QualtricsMissingPermission,
    QualtricsNotFound,
    QualtricsWrongCredentials,
)
from afterword.qualtrics.flows import Flow, element_to_paste
from afterword.qualtrics.webhooks import SECRET_HEADER, SURVEY_ID, body_to_paste
from afterword.store.database import Database
from afterword.translating import gettext as _
from afterword.workflows.values.qualtrics_outlines import outline_survey
from afterword.workflows.values.qualtrics_responses import keep_outline

NEEDED = ("CustomerId", "ConversationId")
"""Embedded Data without which nobody knows whose timeline a response belongs on; as the vendors' guide spells them."""


class WebService(msgspec.Struct, frozen=True, rename="camel"):
    """What to paste into a Web Service task of a workflow in Qualtrics."""

    address: str
    header_name: str
    header_value: str
    body: str


class NoAdministrator(ConfigurationError):
    """An event subscription needs a brand administrator's token; the other way needs none."""

    def __init__(self, account: QualtricsAccount) -> None:
        super().__init__(
            f"An event subscription needs the token of a brand administrator, and {account.name!r} has none. Nothing "
            "was subscribed."
        )


def web_service(public_url: str, account: QualtricsAccount, survey_id: str) -> WebService:
    """The way without an administrator; the header's value is a secret."""
    address = subscribing.notification_address(public_url, account.id)
    return WebService(address, SECRET_HEADER, account.notification_secrets[0], body_to_paste(survey_id))


def check_survey_id(survey_id: str) -> None:
    """Refuse what cannot be a survey's id.

    Raises:
        ConfigurationError: it is none.
    """
    if not SURVEY_ID.fullmatch(survey_id):
        raise ConfigurationError(
            _(
                "%(survey_id)s is not a survey's id; `afterword qualtrics surveys` lists them (SV_…).",
                survey_id=repr(survey_id),
            )
        )


async def check_survey(
    database: Database, client: QualtricsClient, account: QualtricsAccount, survey_id: str, *, public_url: str
) -> list[str]:
    """Read a survey, keep what it is, and refuse one whose responses would not tell whose they are.

    Answers what of that its flow declares only within a branch or a randomizer.

    Raises:
        ConfigurationError: it is no survey of the account's, its flow lacks something, or Qualtrics could not reach us.
        Outcome: what Qualtrics answered.
    """
    check_survey_id(survey_id)
    try:
        check_reachable(public_url, "Qualtrics", account.base_url)
    except AddressNotReachable as error:
        raise ConfigurationError(str(error)) from None
    try:
        flow = await client.flow(survey_id)
        survey = await client.survey(survey_id)
    except QualtricsNotFound:
        raise ConfigurationError(
            _(
                "The account %(account_name)s sees no survey %(survey_id)s; `afterword qualtrics surveys` "
                "lists those it sees. Share it with the account's user in Qualtrics.",
                account_name=repr(account.name),
                survey_id=survey_id,
            )
        ) from None
    await keep_outline(database, account.id, outline_survey(survey, (*flow.always, *flow.sometimes)))
    missing = flow.missing(NEEDED)
    if missing:
        raise ConfigurationError(_what_is_missing(survey_id, missing, flow))
    return flow.only_sometimes(NEEDED)


async def subscribe_to(
    database: Database, client: QualtricsClient, account: QualtricsAccount, survey_id: str, *, public_url: str
) -> subscribing.Subscribed:
    """Subscribe to a survey that was checked.

    Raises:
        NoAdministrator: the account's token may not.
        Outcome: what else Qualtrics answered.
    """
    address = subscribing.notification_address(public_url, account.id)
    try:
        return await subscribing.subscribe(database, client, account, survey_id, address)
    except (QualtricsMissingPermission, QualtricsWrongCredentials):
        raise NoAdministrator(account) from None


def _what_is_missing(survey_id: str, missing: list[str], flow: Flow) -> str:
    names = " and ".join(missing)
    return (
        f"The Survey Flow of {survey_id} does not declare {names}: answers would come back without it, and nobody "
        "would know whose they are. In Qualtrics: Survey flow, Add a New Element Here, Embedded Data; enter "
        f"{names} without a value, move the element to the top, Apply, and publish the survey. The element, for who "
        "edits flows by the API:\n"
        f"{element_to_paste(missing, flow.count)}"
    )
