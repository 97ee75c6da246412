"""The webhooks of connected Gladly accounts, told of in lines of text."""

from collections.abc import Sequence

import typer

from afterword.accounts.connected import AccountSummary
from afterword.accounts.gladly_accounts import GladlyAccount
from afterword.settings import Settings
from afterword.store.database import WEB_NAME, WORKER_NAME, Database
from afterword.store.processes import is_running
from afterword.webhook_keeping.comparing import EVENTS, NAME, known_address, webhook_address
from afterword.webhook_keeping.states import Known

NO_WEBHOOK = {
    "pull": "no webhook: workers ask Gladly for what happened",
    "none": "no webhook: closed conversations are not told; the account is for tasks alone",
}


async def tell_webhook(
    settings: Settings, database: Database, account: GladlyAccount, known: Known | None
) -> None:
    """Say how an account's webhook is, and what is missing; of one that is made by hand, how."""
    if account.delivery in NO_WEBHOOK:
        typer.echo(f"{account.name!r} has {state_in_words(account, known)}.")
        return
    if known is not None and known.state == "works":
        words = f"Gladly tells of closed and reopened conversations at {known.url}."
        works = typer.style("works", fg=typer.colors.GREEN)
        typer.echo(f"The webhook {works}: {words}{why_left(settings, account, known)}")
        return
    if account.delivery == "by-hand":
        tell_how_by_hand(account, known_address(known, settings.public_url, account.id))
        return
    state = typer.style("does not work yet", fg=typer.colors.YELLOW)
    typer.echo(f"The webhook {state}: {'nobody has looked' if known is None else known.because}.")
    for line in await _missing_halves(database):
        typer.echo(f"  - {line}")
    typer.echo(
        "A worker makes it by itself as soon as it can, and tries every minute; "
        f"`afterword accounts verify {account.name!r}` tries at once."
    )


def tell_how_by_hand(account: GladlyAccount, url: str) -> None:
    """What to paste into Gladly's settings; the secret is not shown again."""
    typer.echo("Make the webhook in Gladly: Settings, Webhooks, Add Webhook.")
    typer.echo(f"  Name       {NAME}")
    typer.echo(f"  URL        {url}")
    typer.echo(f"  Events     {', '.join(EVENTS)}")
    for pair in account.webhook.basic[:1]:
        typer.echo(f"  User name  {pair.username}")
        typer.echo(f"  Password   {pair.password}")
    for header in account.webhook.header_tokens[:1]:
        typer.echo(f"  Header     {header.name}: {header.token}")
    typer.echo(
        "Then switch it on there: Afterword answers Gladly's try, and watches the webhook from then on. "
        f"This is not shown again; `afterword accounts rotate {account.name!r} --webhook-credentials` makes others."
    )


def webhook_as_json(
    settings: Settings, account: GladlyAccount, known: Known | None
) -> dict[str, object] | None:
    """An account's webhook for programs, with what a webhook made by hand needs."""
    if account.delivery in NO_WEBHOOK:
        return None
    told: dict[str, object] = {
        "url": known_address(known, settings.public_url, account.id),
        "state": "not-yet" if known is None else known.state,
        "reason": None if known is None or known.reason is None else known.reason.words,
    }
    if account.delivery == "by-hand":
        told["events"] = EVENTS
        for pair in account.webhook.basic[:1]:
            told |= {"username": pair.username, "password": pair.password}
        for header in account.webhook.header_tokens[:1]:
            told["header"] = {"name": header.name, "value": header.token}
    return told


def state_in_words(account: AccountSummary | GladlyAccount, known: Known | None) -> str:
    """How an account's webhook is, in a few words, coloured on a terminal."""
    if account.delivery in NO_WEBHOOK:
        return NO_WEBHOOK[account.delivery] if known is None else f"a webhook still: {known.because}"
    whose = " made by hand" if account.delivery == "by-hand" else ""
    if known is None:
        return f"webhook{whose}: not looked at yet"
    colour = typer.colors.GREEN if known.state == "works" else typer.colors.YELLOW
    return f"webhook{whose}: {typer.style(known.in_words, fg=colour)}"


def why_left(settings: Settings, account: AccountSummary | GladlyAccount, known: Known | None) -> str:
    """What to say of a webhook that leads elsewhere than this shell's settings would have it; empty for others."""
    wanted = webhook_address(settings.public_url, account.id)
    if known is None or known.state != "works" or known.url in (None, wanted):
        return ""
    return (
        f"; it leads to {known.url} and was left there, though AFTERWORD_PUBLIC_URL is {settings.public_url} in this "
        "shell: a worker moves it if that is its setting too"
    )


def state_as_json(known: Known | None) -> dict[str, object] | None:
    """How an account's webhook is, for programs."""
    if known is None:
        return None
    return {
        "state": known.state,
        "since": known.since,
        "reasonCode": known.reason and known.reason.code,
        "reason": known.reason and known.reason.words,
        "url": known.url,
        "workedAt": known.worked_at,
        "lookedAt": known.looked_at,
    }


async def _missing_halves(database: Database) -> Sequence[str]:
    """Which of our processes have to be started."""
    async with database.pool.acquire() as connection:
        web, worker = [await is_running(connection, name) for name in (WEB_NAME, WORKER_NAME)]
    return [
        *(() if web else ("`afterword web` is not running, which has to answer Gladly: start it.",)),
        *(() if worker else ("`afterword worker` is not running, which keeps the webhook: start it.",)),
    ]
