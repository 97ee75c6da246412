"""*App Developer Tools: Apps*, as in the vendors' guide: *Add App: Qualtrics*, with its two fields.

The app tells Qualtrics of each closed Conversation. It is a connected Qualtrics account and one Workflow.
"""

from collections.abc import Mapping

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connected import AccountSummary, InvalidAccount, list_accounts
from afterword.accounts.connecting import ConnectedAlready, Connector
from afterword.accounts.qualtrics_accounts import change_qualtrics, host_of, json_event_address
from afterword.accounts.rights import may_connect
from afterword.accounts.secrets import SecretBox
from afterword.admin.forms import text_of
from afterword.admin.helping import Helping
from afterword.admin.pages import page
from afterword.admin.settings.account_forms import LARGEST_FORM, Wrong, check_filled, check_may, wrong
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.pages.wording import sentence
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.tasks.planning import PlanningTasks
from afterword.translating import gettext
from afterword.workflows.saving.guide import find_guide, make_guide
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.saving.refusals import InvalidDefinition

PATH = "/settings/apps"
FIELDS = ("api_token", "json_event_url", "gladly_account")


class App(msgspec.Struct, frozen=True):
    """A Gladly account, and the Workflow that tells of its closed Conversations, where there is one."""

    gladly: AccountSummary
    workflow: Workflow | None


def apps_routes(
    database: Database, settings: Settings, box: SecretBox, planning: PlanningTasks, helping: Helping
) -> list[HTTPRouteHandler]:
    """The page, and the form of *Add App*."""
    adding = _Adding(database, settings, box, planning, helping)

    @get(PATH)
    async def apps(request: AdminRequest) -> Response[str]:
        """List the apps."""
        async with database.transaction() as connection:
            found = await _apps(connection)
        return page(
            request,
            "settings/apps.html",
            apps=found,
            may_connect=may_connect(request.user),
            help=await helping.of("apps", request),
        )

    @get(f"{PATH}/add/qualtrics")
    async def form(request: AdminRequest) -> Response[str]:
        """Show the form of *Add App: Qualtrics*."""
        check_may(request)
        return await adding.show(request, dict.fromkeys(FIELDS, ""))

    @post(f"{PATH}/add/qualtrics", request_max_body_size=LARGEST_FORM)
    async def add(request: AdminRequest) -> Response[str] | Redirect:
        """Add the app."""
        check_may(request)
        sent = await request.form()
        typed = {field: text_of(sent, field).strip() for field in FIELDS}
        try:
            await adding.add(request, typed)
        except InvalidAccount as error:
            told = wrong(error)
            at = "json_event_url" if told.field == "address" else told.field
            return await adding.show(request, typed, Wrong(told.words, at))
        except InvalidDefinition as error:
            return await adding.show(request, typed, Wrong(sentence(str(error))))
        return Redirect(PATH, status_code=303)

    return [apps, form, add]


class _Adding:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        box: SecretBox,
        planning: PlanningTasks,
        helping: Helping,
    ) -> None:
        self._helping = helping
        self._database = database
        self._box = box
        self._planning = planning
        self._connector = Connector(settings, database, box)

    async def show(
        self, request: AdminRequest, typed: Mapping[str, str], problem: Wrong | None = None
    ) -> Response[str]:
        async with self._database.transaction() as connection:
            apps = await _apps(connection)
        return page(
            request,
            "settings/app_add.html",
            help=await self._helping.of("apps", request),
            status=200 if problem is None else 422,
            typed=typed,
            problem=problem,
            gladly={one.gladly.id: one.gladly.name for one in apps},
        )

    async def add(self, request: AdminRequest, typed: Mapping[str, str]) -> None:
        """Connect the account and make the Workflow.

        Raises:
            InvalidAccount: something is missing, wrong or there already.
            InvalidDefinition: the Workflow cannot be made so.
        """
        check_filled(
            typed,
            {
                "api_token": gettext("The Qualtrics API token"),
                "json_event_url": gettext("The JSON event endpoint"),
            },
        )
        async with self._database.transaction() as connection:
            gladly = _chosen(await _apps(connection), typed["gladly_account"])
        account_id = await self._connected(typed["api_token"], json_event_address(typed["json_event_url"]))
        async with self._database.transaction() as connection:
            await make_guide(
                connection,
                gladly_account_id=gladly.id,
                qualtrics_account_id=account_id,
                owner_id=None if request.user is None else request.user.id,
                is_on=True,
                check=check_on_saving(self._planning.types),
            )

    async def _connected(self, api_token: str, json_event_url: str) -> str:
        """The account that these belong to; one that is connected already is given both."""
        try:
            account, _ = await self._connector.add_qualtrics(
                address=host_of(json_event_url), api_token=api_token, json_event_url=json_event_url
            )
        except ConnectedAlready as error:
            async with self._database.transaction() as connection:
                await change_qualtrics(
                    connection,
                    self._box,
                    error.account.id,
                    api_token=api_token,
                    json_event_url=json_event_url,
                )
            return error.account.id
        return account.id


async def _apps(connection: AsyncConnection) -> list[App]:
    accounts = [one for one in await list_accounts(connection) if one.kind == "gladly"]
    return [App(one, (await find_guide(connection, one.id)).tell) for one in accounts]


def _chosen(apps: list[App], wanted: str) -> AccountSummary:
    """The Gladly account that the app is to be added for.

    Raises:
        InvalidAccount: none is connected, none was chosen, or it has the app.
    """
    if not apps:
        raise InvalidAccount(
            gettext("Connect Gladly first: there is no account whose Conversations could be told of.")
        )
    found = [one for one in apps if wanted == one.gladly.id] if len(apps) > 1 or wanted else apps
    if not found:
        raise InvalidAccount(gettext("Choose the Gladly account."), "gladly_account")
    if found[0].workflow is not None:
        raise InvalidAccount(
            gettext(
                "The app is there already for “%(account)s”, as the Workflow “%(workflow)s”: change that, or the "
                "connected account that it uses.",
                account=found[0].gladly.name,
                workflow=found[0].workflow.name,
            ),
            "gladly_account",
        )
    return found[0].gladly
