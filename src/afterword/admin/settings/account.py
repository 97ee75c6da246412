"""One connected account: how it is, and what can be done with it. No secret of it is shown.

Each form says which state of the account it was made from: what somebody else changed meanwhile is told, and nothing
is overwritten.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import cast, get_args

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.audit import list_entries
from afterword.accounts.changing import state_of
from afterword.accounts.connected import (
    AccountSummary,
    ChangedMeanwhile,
    Delivery,
    InvalidAccount,
    list_accounts,
)
from afterword.accounts.connecting import Connector, whose
from afterword.accounts.gladly_accounts import change_gladly
from afterword.accounts.qualtrics_accounts import change_qualtrics
from afterword.accounts.rights import may_connect
from afterword.accounts.secrets import SecretBox
from afterword.accounts.web_service_accounts import change_secret
from afterword.accounts.webhook_credentials import renewed
from afterword.admin.forms import text_of
from afterword.admin.helping import Helping
from afterword.admin.pages import page
from afterword.admin.settings.account_forms import (
    DELIVERIES,
    LARGEST_FORM,
    PATH,
    Wrong,
    check_filled,
    check_may,
    wrong,
)
from afterword.admin.settings.accounts import HELP_OF, to_paste
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.translating import gettext
from afterword.webhook_keeping.at_once import Webhooks
from afterword.workflows.history.connections import connections
from afterword.workflows.saving.account_use import workflows_using
from afterword.workflows.saving.removing_accounts import AccountInUse, forget_account

Typed = Mapping[str, str]
Answer = Response[str] | Redirect
FIELDS = ("state", "address", "api_token", "json_event_url", "delivery", "even_if_used")
SECRET_FIELDS = frozenset({"api_token", "json_event_url"})


def account_routes(
    database: Database, settings: Settings, box: SecretBox, helping: Helping
) -> list[HTTPRouteHandler]:
    """The page of an account, and its forms."""
    account_page = _AccountPage(database, settings, box, helping)

    @get(f"{PATH}/{{account_id:str}}")
    async def account(request: AdminRequest, account_id: FromPath[str]) -> Response[str]:
        """Show an account."""
        return await account_page.show(request, account_id)

    @post(f"{PATH}/{{account_id:str}}/{{what:str}}", request_max_body_size=LARGEST_FORM)
    async def change(request: AdminRequest, account_id: FromPath[str], what: FromPath[str]) -> Answer:
        """Try, change or forget an account."""
        check_may(request)
        form = await request.form()
        typed = {field: text_of(form, field).strip() for field in FIELDS}
        return await account_page.do(request, account_id, what, typed)

    return [account, change]


class _AccountPage:
    def __init__(self, database: Database, settings: Settings, box: SecretBox, helping: Helping) -> None:
        self._helping = helping
        self._database = database
        self._settings = settings
        self._box = box
        self._connector = Connector(settings, database, box)
        self._webhooks = Webhooks(settings, database, box, self._connector)
        self._doings: Mapping[str, Callable[[AdminRequest, AccountSummary, Typed], Awaitable[Answer]]] = {
            "verify": self._verify,
            "token": self._rotate,
            "address": self._move,
            "json-event": self._json_event,
            "events": self._events,
            "remove": self._remove,
        }

    async def show(
        self,
        request: AdminRequest,
        account_id: str,
        *,
        problem: Wrong | None = None,
        typed: Typed | None = None,
        done: str = "",
    ) -> Response[str]:
        """The page, with what became of what was asked for; ``typed`` is kept but for secrets."""
        async with self._database.transaction() as connection:
            health = next(
                (one for one in await connections(connection) if one.account.id == account_id), None
            )
            if health is None:
                raise NotFoundException(gettext("There is no such account; it may have been removed."))
            used_by = await workflows_using(connection, account_id)
            state = await state_of(connection, account_id)
            changes = await list_entries(connection, subject_id=account_id, limit=5)
        account = health.account
        kept = {"address": account.base_url or "", "delivery": account.delivery or ""}
        return page(
            request,
            "settings/account.html",
            help=None
            if account.kind == "web-service"
            else await self._helping.of(HELP_OF[account.kind], request),
            status=200 if problem is None else 422,
            health=health,
            account=account,
            used_by=used_by,
            state=state,
            changes=changes,
            problem=problem,
            typed={**kept, **{name: value for name, value in (typed or {}).items() if value}},
            done=done,
            deliveries=DELIVERIES,
            may_connect=may_connect(request.user),
        )

    async def do(self, request: AdminRequest, account_id: str, what: str, typed: Typed) -> Answer:
        """Do what a form asks for; what is wrong is told at its field."""
        doing = self._doings.get(what)
        if doing is None:
            raise NotFoundException(gettext("There is no such page."))
        summary = await self._summary(account_id)
        plain = {field: value for field, value in typed.items() if field not in SECRET_FIELDS}
        try:
            return await doing(request, summary, typed)
        except ChangedMeanwhile as error:  # the form is made anew: it shows what was changed
            return await self.show(request, account_id, problem=Wrong(str(error), "changed"))
        except InvalidAccount as error:
            return await self.show(request, account_id, problem=wrong(error), typed=plain)
        except AccountInUse as error:
            return await self.show(request, account_id, problem=Wrong(f"{error}.", "remove"))

    async def _verify(self, request: AdminRequest, summary: AccountSummary, _: Typed) -> Answer:
        owner = await self._connector.verify(summary)
        if summary.kind == "gladly":
            await self._webhooks.keep(await self._connector.gladly_account(summary))
        return await self.show(
            request, summary.id, done=gettext("It works: it is %(owner)s's.", owner=whose(owner))
        )

    async def _rotate(self, request: AdminRequest, summary: AccountSummary, typed: Typed) -> Answer:
        check_filled(
            typed,
            {
                "api_token": gettext("The new secret")
                if summary.kind == "web-service"
                else gettext("The new API token")
            },
        )
        if summary.kind == "web-service":
            async with self._database.transaction() as connection:
                await change_secret(connection, self._box, summary.id, typed["api_token"])
            return await self.show(
                request, summary.id, done=gettext("The new secret is in use. It was not tried.")
            )
        await self._connector.rotate(summary, typed["api_token"], expected=typed["state"])
        return await self.show(
            request,
            summary.id,
            done=gettext("The new token works and is in use. The old one may be taken away."),
        )

    async def _move(self, request: AdminRequest, summary: AccountSummary, typed: Typed) -> Answer:
        if summary.kind == "web-service":
            raise InvalidAccount(
                gettext(
                    "A web service's address stays: its secret belongs to it. Add it as another account."
                ),
                "base_url",
            )
        check_filled(typed, {"address": gettext("The address")})
        await self._connector.move(summary, typed["address"], expected=typed["state"])
        return await self.show(
            request, summary.id, done=gettext("It works there, and is called there from now on.")
        )

    async def _json_event(self, request: AdminRequest, summary: AccountSummary, typed: Typed) -> Answer:
        check_filled(typed, {"json_event_url": gettext("The JSON event endpoint")})
        async with self._database.transaction() as connection:
            await change_qualtrics(
                connection,
                self._box,
                summary.id,
                json_event_url=typed["json_event_url"],
                expected=typed["state"],
            )
        return await self.show(
            request, summary.id, done=gettext("Closed Conversations are sent to the new JSON event endpoint.")
        )

    async def _events(self, request: AdminRequest, summary: AccountSummary, typed: Typed) -> Answer:
        if typed["delivery"] not in get_args(Delivery):
            raise InvalidAccount(gettext("Choose one of these."), "delivery")
        delivery = cast("Delivery", typed["delivery"])
        async with self._database.transaction() as connection:
            account = await change_gladly(
                connection, self._box, summary.id, delivery=delivery, expected=typed["state"]
            )
        known = await self._webhooks.keep(account)
        if delivery == "by-hand" and (known is None or known.state != "works"):
            async with self._database.transaction() as connection:
                account = await change_gladly(
                    connection, self._box, summary.id, webhook=renewed(account.webhook)
                )
            return to_paste(request, account, self._settings.public_url)
        return await self.show(request, summary.id, done=gettext("Saved."))

    async def _remove(self, request: AdminRequest, summary: AccountSummary, typed: Typed) -> Answer:
        left = await forget_account(
            self._settings, self._database, self._box, summary, even_if_used=typed["even_if_used"] == "yes"
        )
        async with self._database.transaction() as connection:
            found = await connections(connection)
        return page(
            request,
            "settings/accounts.html",
            accounts=found,
            may_connect=True,
            removed=summary.name,
            left=left,
        )

    async def _summary(self, account_id: str) -> AccountSummary:
        async with self._database.transaction() as connection:
            found = [one for one in await list_accounts(connection) if one.id == account_id]
        if not found:
            raise NotFoundException(gettext("There is no such account; it may have been removed."))
        return found[0]
