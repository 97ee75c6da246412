"""Items of Gladly's timelines, as lines of text."""

from collections.abc import Iterator, Mapping

import msgspec
import typer

from afterword.accounts.clients import ConnectedAccounts
from afterword.commands.common import print_json
from afterword.commands.connecting import find, opened
from afterword.outcomes import ConfigurationError, Outcome
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.tasks.timeline_card import settings_like

ACTIVITY = "CUSTOMER_ACTIVITY"
NOT_THE_SAME = {
    "title": "an answer is in it: put piped text in its place",
    "body": "an answer may be in it: put piped text in its place",
    "link_url": "put piped text in the place of ids",
}


async def show_item(
    settings: Settings, database: Database, item_id: str, wanted: str | None, *, as_json: bool
) -> None:
    """Print an item; an activity with the settings of a task that makes such cards."""
    item = await _item(settings, database, item_id, wanted)
    content = item.get("content")
    like = None
    if isinstance(content, dict) and content.get("type") == ACTIVITY:
        like = settings_like(content)
    if as_json:
        print_json({"item": item, "settings": like})
        return
    for path, value in _fields(item):
        typer.echo(f"{path:<24} {value}")
    if like is None:
        return
    typer.echo("\nFor a card such as this one, in the configuration of a task Gladly: timeline event:")
    for name, setting in like.items():
        note = f"  # {NOT_THE_SAME[name]}" if name in NOT_THE_SAME else ""
        typer.echo(f"  {name}: {_written(setting)}{note}")


async def _item(
    settings: Settings, database: Database, item_id: str, wanted: str | None
) -> dict[str, object]:
    """The item; what Gladly refuses is told in one line."""
    account = await find(database, wanted, "gladly")
    async with opened(settings, database) as (_, box):
        accounts = ConnectedAccounts(database, box, RateBudget(database.pool), settings, use="interactive")
        try:
            return await (await accounts.gladly(account.id, "interactive")).item_as_sent(item_id)
        except Outcome as error:
            words = error.reason.words
            raise ConfigurationError(f"{words[:1].upper()}{words[1:]}.") from None
        finally:
            await accounts.close()


def _fields(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every field with its path, ``content.link.url``; those that are not there are left out."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _fields(below, f"{path}.{name}" if path else str(name))
    elif value is not None:
        yield path, _written(value)


def _written(value: object) -> str:
    """A value as JSON and YAML both write it."""
    return msgspec.json.encode(value).decode()
