"""Surveys of a real Qualtrics, and subscribing to their responses, as lines of text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import typer

from afterword.accounts import subscribing
from afterword.accounts.qualtrics_accounts import QualtricsAccount, get_qualtrics, with_notification_secret
from afterword.accounts.subscribing import list_subscriptions
from afterword.commands.common import print_json
from afterword.commands.connecting import find, opened
from afterword.outcomes import ConfigurationError, Outcome
from afterword.qualtrics.client import QualtricsClient
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.saving.responses_told import (
    NoAdministrator,
    WebService,
    check_survey,
    check_survey_id,
    subscribe_to,
)
from afterword.workflows.saving.responses_told import web_service as make_web_service

NOT_SUBSCRIBED = 1


@asynccontextmanager
async def _calling(
    settings: Settings, database: Database, wanted: str | None
) -> AsyncIterator[tuple[QualtricsAccount, QualtricsClient]]:
    """A client of the account; what Qualtrics refuses is told in one line."""
    summary = await find(database, wanted, "qualtrics")
    async with opened(settings, database) as (connector, box):
        async with database.transaction() as connection:
            account = await get_qualtrics(connection, box, summary.id)
            if account is None:
                raise ConfigurationError(f"The account {summary.name!r} was removed.")
            account = await with_notification_secret(connection, box, account)
        async with connector.qualtrics_client(account) as client:
            try:
                yield account, client
            except Outcome as error:
                words = error.reason.words
                raise ConfigurationError(f"{words[:1].upper()}{words[1:]}.") from None


async def list_surveys(settings: Settings, database: Database, wanted: str | None, *, as_json: bool) -> None:
    """Print the surveys that the account's user may see."""
    async with _calling(settings, database, wanted) as (account, client):
        surveys = await client.surveys()
    async with database.transaction() as connection:
        subscribed = {one.survey_id for one in await list_subscriptions(connection, account.id)}
    if as_json:
        print_json(
            [{**msgspec.to_builtins(survey), "isSubscribed": survey.id in subscribed} for survey in surveys]
        )
        return
    if not surveys:
        typer.echo(
            "The account's user sees no survey. Share one with the user in Qualtrics (not by a group)."
        )
    for survey in surveys:
        state = "active  " if survey.is_active else "inactive"
        mark = "  (subscribed)" if survey.id in subscribed else ""
        typer.echo(f"{survey.id}  {state}  {survey.name or ''}{mark}")


async def subscribe(
    settings: Settings,
    database: Database,
    survey_id: str,
    wanted: str | None,
    *,
    web_service: bool,
    as_json: bool,
) -> None:
    """Subscribe to a survey's responses, or show how they can be told otherwise."""
    public_url = settings.public_url
    async with _calling(settings, database, wanted) as (account, client):
        sometimes = await check_survey(database, client, account, survey_id, public_url=public_url)
        if sometimes and not as_json:
            typer.echo(
                f"Mind: {' and '.join(sometimes)} is declared only within a branch or a randomizer. Respondents who "
                "do not come through it answer without it."
            )
        to_paste = make_web_service(public_url, account, survey_id)
        if web_service:
            _tell_web_service(to_paste, as_json=as_json)
            return
        try:
            made = await subscribe_to(database, client, account, survey_id, public_url=public_url)
        except NoAdministrator as error:
            _offer_web_service(str(error), to_paste, as_json=as_json)
            raise typer.Exit(NOT_SUBSCRIBED) from None
    if as_json:
        print_json({"subscribed": True, **msgspec.to_builtins(made)})
        return
    typer.echo(
        f"Qualtrics tells of each response to {survey_id} at {made.address} ({made.id})."
        if made.is_new
        else f"Nothing to do: Qualtrics tells of {survey_id} already ({made.id})."
    )
    for old in made.replaced:
        typer.echo(f"It replaces {old}, which is gone.")


async def unsubscribe(settings: Settings, database: Database, survey_id: str, wanted: str | None) -> None:
    """End what we have subscribed to of a survey."""
    check_survey_id(survey_id)
    async with _calling(settings, database, wanted) as (account, client):
        gone = await subscribing.unsubscribe(database, client, account, survey_id)
    typer.echo(
        f"Qualtrics tells of {survey_id} no more: {', '.join(gone)} is gone."
        if gone
        else f"There was no subscription to {survey_id}."
    )


def _offer_web_service(why: str, to_paste: WebService, *, as_json: bool) -> None:
    if as_json:
        print_json({"subscribed": False, "words": why, "webService": to_paste})
        return
    typer.echo(why)
    typer.echo("The other way needs no administrator:")
    _tell_web_service(to_paste, as_json=False)


def _tell_web_service(to_paste: WebService, *, as_json: bool) -> None:
    if as_json:
        print_json({"subscribed": False, "webService": to_paste})
        return
    typer.echo(
        "In the survey's Workflows in Qualtrics, make one that starts with Survey Response (newly created),"
    )
    typer.echo("and add the task Web Service:")
    typer.echo("  Method   POST")
    typer.echo(f"  URL      {to_paste.address}")
    typer.echo(f"  Header   {to_paste.header_name}: {to_paste.header_value}")
    typer.echo("  Body     JSON:")
    for line in to_paste.body.splitlines():
        typer.echo(f"    {line}")
    typer.echo('The header\'s value is a secret. A workflow for updated responses says "kind": "updated".')
