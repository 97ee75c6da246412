"""Invitations: one contact asked to answer one survey, by a personal link."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Column, Function, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.directory.contacts import ListedContact
from afterword.events.conversations import last_closing, reopening_after
from afterword.store import tables
from afterword.store.identifiers import derived_id
from afterword.translating import N_

LINK_TOKEN_BYTES = 18

WhenReopened = Literal["keep", "cancel-if-not-sent", "cancel-if-not-answered"]
"""What becomes of an invitation when the conversation that it asks about is reopened."""


DEFAULT_FROM_NAME = N_("Customer service")
DEFAULT_SUBJECT = N_("How did we do?")
DEFAULT_MESSAGE = N_("""Hi ${m://FirstName?d=there},

thank you for talking to us. One click tells us how it went:

${l://SurveyLink?d=Take the survey}

It takes less than a minute, and the team reads every word.""")
"""What a letter says where nobody says otherwise."""


class Letter(msgspec.Struct, frozen=True):
    """What an invitation says, piped text not yet filled in."""

    from_name: str
    subject: str
    message: str
    reply_to: str = ""


class About(msgspec.Struct, frozen=True):
    """The conversation that an invitation asks about: its id, when the run began that asks, and what a reopening does.

    Without an id nothing is known of its reopenings.
    """

    conversation_id: str | None = None
    asked_at: datetime | None = None
    when_reopened: WhenReopened = "keep"


NOTHING_KNOWN = About()


class Invitation(msgspec.Struct, frozen=True):
    """An invitation as stored: everything that its mail is made from.

    ``link_token`` is the secret in the personal link, which leads nowhere after ``expires_at``. ``fields`` are the
    event's, for piped text. ``closed_at`` is when the conversation was closed that it asks about, if that was told to
    us and matters.
    """

    id: str
    survey_id: str
    contact_id: str
    link_token: str
    email: str
    first_name: str
    last_name: str
    embedded_data: dict[str, str]
    fields: dict[str, str]
    from_name: str
    subject: str
    message: str
    created_at: datetime
    send_at: datetime
    sent_at: datetime | None
    reply_to: str = ""
    expires_at: datetime | None = None
    mailing_list_id: str = ""
    conversation_id: str | None = None
    when_reopened: WhenReopened = "keep"
    closed_at: datetime | None = None

    @property
    def is_expired(self) -> bool:
        """Whether its link leads nowhere any more."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


def _columns() -> list[Column[Any]]:
    return [tables.invitation.c[name] for name in Invitation.__struct_fields__]


def invitation_id_for(key: str) -> str:
    """The id of the one invitation of this key."""
    return derived_id("EMD", key)


async def invite(
    connection: AsyncConnection,
    *,
    key: str,
    survey_id: str,
    mailing_list_id: str,
    listed: ListedContact,
    letter: Letter,
    embedded_data: Mapping[str, str],
    fields: Mapping[str, str],
    delay_seconds: float,
    expires_after_seconds: float | None = None,
    about: About = NOTHING_KNOWN,
) -> tuple[Invitation, bool]:
    """Make the invitation for this key, or find it when it was made before: one key, one invitation.

    It is to be sent ``delay_seconds`` after it was first made, and expires ``expires_after_seconds`` after that; the
    second part of the answer tells whether the moment to send it has come, by the database's clock.
    """
    closed_at = None
    if about.when_reopened != "keep":
        closed_at = await last_closing(connection, about.conversation_id, until=about.asked_at)
    send_at = func.now() + _seconds(delay_seconds)
    invitation_id = invitation_id_for(key)
    await connection.execute(
        insert(tables.invitation)
        .values(
            id=invitation_id,
            survey_id=survey_id,
            contact_id=listed.contact.id,
            mailing_list_id=mailing_list_id,
            link_token=secrets.token_urlsafe(LINK_TOKEN_BYTES),
            email=listed.contact.email,
            first_name=listed.contact.first_name,
            last_name=listed.contact.last_name,
            embedded_data=dict(embedded_data),
            fields=dict(fields),
            from_name=letter.from_name,
            subject=letter.subject,
            message=letter.message,
            reply_to=letter.reply_to,
            send_at=send_at,
            expires_at=None if expires_after_seconds is None else send_at + _seconds(expires_after_seconds),
            conversation_id=about.conversation_id,
            when_reopened=about.when_reopened,
            closed_at=closed_at,
        )
        .on_conflict_do_nothing(index_elements=[tables.invitation.c.id])
    )
    row = (
        await connection.execute(
            select(*_columns(), tables.invitation.c.send_at <= func.clock_timestamp()).where(
                tables.invitation.c.id == invitation_id
            )
        )
    ).one()
    return Invitation(*row[:-1]), row[-1]


async def get_invitation(connection: AsyncConnection, invitation_id: str) -> Invitation | None:
    """The invitation of this id."""
    row = (
        await connection.execute(select(*_columns()).where(tables.invitation.c.id == invitation_id))
    ).first()
    return None if row is None else Invitation(*row)


async def find_by_link(connection: AsyncConnection, link_token: str) -> Invitation | None:
    """The invitation that a personal link belongs to."""
    row = (
        await connection.execute(select(*_columns()).where(tables.invitation.c.link_token == link_token))
    ).first()
    return None if row is None else Invitation(*row)


async def reopened_at(connection: AsyncConnection, invitation: Invitation) -> datetime | None:
    """When the conversation that an invitation asks about was opened again; ``None`` when it was not, or that does not
    matter to the invitation.
    """
    if invitation.when_reopened == "keep" or invitation.conversation_id is None:
        return None
    since = invitation.closed_at or invitation.created_at
    return await reopening_after(connection, invitation.conversation_id, since)


async def mark_sent(connection: AsyncConnection, invitation_id: str) -> None:
    """Note that the mail server took the mail."""
    await connection.execute(
        update(tables.invitation)
        .where(tables.invitation.c.id == invitation_id, tables.invitation.c.sent_at.is_(None))
        .values(sent_at=func.now())
    )


def _seconds(number: float) -> Function[Any]:
    return func.make_interval(0, 0, 0, 0, 0, 0, number)
