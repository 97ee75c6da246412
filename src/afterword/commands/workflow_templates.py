"""What ``afterword workflows make`` does and prints."""

import msgspec
import typer

from afterword.accounts.secrets import SecretBox
from afterword.commands.common import print_json
from afterword.commands.connecting import find, opened
from afterword.commands.workflow_work import checking_definitions
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.saving.guide import Guide, find_guide, find_own_service, make_guide, make_own_service
from afterword.workflows.saving.workflows import Check


class Wanted(msgspec.Struct, frozen=True):
    """What is to be made, of what."""

    template: str
    gladly: str | None
    qualtrics: str | None
    survey: str | None
    is_on: bool


async def make_template(settings: Settings, database: Database, wanted: Wanted, *, as_json: bool) -> None:
    """Make the workflows of a template.

    Raises:
        ConfigurationError: there is no such template or account, or something is missing.
        InvalidDefinition: what is made would not work.
    """
    if wanted.template != "guide":
        raise ConfigurationError(f"There is no template {wanted.template!r}; there is: guide.")
    if wanted.survey is not None and wanted.qualtrics is None:
        raise ConfigurationError("--survey goes with --qualtrics: our own service has its CSAT survey.")
    gladly = await find(database, wanted.gladly, "gladly")
    async with opened(settings, database) as (_, box), checking_definitions(settings, database) as check:
        async with database.transaction() as connection:
            before = await find_guide(connection, gladly.id)
        guide = await _Maker(settings, database, box, check).make(gladly.id, wanted)
    if as_json:
        print_json([{"id": one.id, "name": one.name, "isOn": one.is_on} for one in guide.workflows])
        return
    known = {one.id for one in before.workflows}
    for one in guide.workflows:
        state = "was there already" if one.id in known else "made, on" if one.is_on else "made, off"
        typer.echo(f"{one.id}  {state}  {one.name}")
    if not all(one.is_on for one in guide.workflows):
        typer.echo("`afterword workflows test` has one write to your own address alone, `on` turns it on.")


class _Maker:
    def __init__(self, settings: Settings, database: Database, box: SecretBox, check: Check) -> None:
        self._settings = settings
        self._database = database
        self._box = box
        self._check = check

    async def make(self, gladly_id: str, wanted: Wanted) -> Guide:
        qualtrics = None
        if wanted.qualtrics is not None:
            qualtrics = await find(self._database, wanted.qualtrics, "qualtrics")
        async with self._database.transaction() as connection:
            own = await find_own_service(connection, self._box)
            if qualtrics is None:
                public_url = self._settings.public_url
                own = await make_own_service(connection, self._box, public_url=public_url, owner_id=None)
            elif own is not None and own.account_id != qualtrics.id:
                own = None
            return await make_guide(
                connection,
                gladly_account_id=gladly_id,
                own=own,
                qualtrics_account_id="" if qualtrics is None else qualtrics.id,
                survey_id=wanted.survey or "",
                is_on=wanted.is_on,
                check=self._check,
            )
