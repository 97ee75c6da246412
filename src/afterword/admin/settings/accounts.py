"""Connected accounts: listed with how each is, and added. Each is tried at the vendor before it is saved."""

from collections.abc import Awaitable, Callable, Mapping
from typing import cast, get_args

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.connected import Delivery, InvalidAccount
from afterword.accounts.connecting import Connector
from afterword.accounts.gladly_accounts import GladlyAccount
from afterword.accounts.rights import may_connect
from afterword.accounts.secrets import SecretBox
from afterword.accounts.web_service_accounts import Authentication, add_web_service
from afterword.admin.forms import text_of
from afterword.admin.help_steps import Page as HelpPage
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
from afterword.admin.signing_in.letting_in import own_path
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.translating import N_, gettext
from afterword.webhook_keeping.at_once import Webhooks
from afterword.webhook_keeping.comparing import EVENTS, NAME, webhook_address
from afterword.workflows.history.connections import connections

TYPED: Mapping[str, Mapping[str, str]] = {
    "gladly": {"name": "", "address": "", "username": "", "api_token": "", "delivery": "own", "next": ""},
    "qualtrics": {"name": "", "address": "", "api_token": "", "json_event_url": "", "next": ""},
    "web-service": {
        "name": "",
        "address": "",
        "authentication": "bearer",
        "username": "",
        "header_name": "",
        "secret": "",
        "next": "",
    },
}
"""The fields of the form of each kind of account, as they are at first; ``next`` is where it goes on."""
AUTHENTICATIONS: Mapping[str, str] = {
    "bearer": N_("a token (Authorization: Bearer)"),
    "basic": N_("a user name and a password"),
    "header": N_("a secret in a header of its own"),
    "none": N_("nothing"),
}
"""How a web service is told who calls, in words for a choice."""
Answer = Response[str] | Redirect
HELP_OF: Mapping[str, HelpPage] = {"gladly": "gladly", "qualtrics": "apps"}


def accounts_routes(
    database: Database, settings: Settings, box: SecretBox, helping: Helping
) -> list[HTTPRouteHandler]:
    """The list, and the forms that add to it."""
    adding = _Adding(database, settings, box, helping)

    @get(PATH)
    async def accounts(request: AdminRequest) -> Response[str]:
        """List the connected accounts."""
        async with database.transaction() as connection:
            found = await connections(connection)
        return page(
            request,
            "settings/accounts.html",
            accounts=found,
            may_connect=may_connect(request.user),
            help=await helping.of("gladly", request),
        )

    @get(f"{PATH}/add/{{kind:str}}")
    async def form(request: AdminRequest, kind: FromPath[str]) -> Response[str]:
        """Show the form that adds an account."""
        check_may(request)
        going_to = request.query_params.get("next", "")
        return await adding.show(request, kind, {**_fields_of(kind), "next": going_to})

    @post(f"{PATH}/add/{{kind:str}}", request_max_body_size=LARGEST_FORM)
    async def add(request: AdminRequest, kind: FromPath[str]) -> Response[str] | Redirect:
        """Try an account, and save it if it works."""
        check_may(request)
        sent = await request.form()
        typed = {field: text_of(sent, field).strip() for field in _fields_of(kind)}
        try:
            return await adding.by_kind[kind](request, typed)
        except InvalidAccount as error:
            return await adding.show(request, kind, typed, wrong(error))

    return [accounts, form, add]


class _Adding:
    def __init__(self, database: Database, settings: Settings, box: SecretBox, helping: Helping) -> None:
        self._helping = helping
        self._settings = settings
        self._connector = Connector(settings, database, box)
        self._webhooks = Webhooks(settings, database, box, self._connector)
        self._database = database
        self._box = box
        self.by_kind: Mapping[str, Callable[[AdminRequest, Mapping[str, str]], Awaitable[Answer]]] = {
            "gladly": self.gladly,
            "qualtrics": self.qualtrics,
            "web-service": self.web_service,
        }

    async def show(
        self, request: AdminRequest, kind: str, typed: Mapping[str, str], problem: Wrong | None = None
    ) -> Response[str]:
        return page(
            request,
            "settings/account_add.html",
            help=None if kind == "web-service" else await self._helping.of(HELP_OF[kind], request),
            status=200 if problem is None else 422,
            kind=kind,
            typed=typed,
            problem=problem,
            deliveries=DELIVERIES,
            authentications=AUTHENTICATIONS,
        )

    async def gladly(self, request: AdminRequest, typed: Mapping[str, str]) -> Response[str] | Redirect:
        check_filled(
            typed,
            {
                "address": gettext("The address"),
                "username": gettext("The user name"),
                "api_token": gettext("The API token"),
            },
        )
        if typed["delivery"] not in get_args(Delivery):
            raise InvalidAccount(gettext("Choose one of these."), "delivery")
        account, _ = await self._connector.add_gladly(
            address=typed["address"],
            username=typed["username"],
            api_token=typed["api_token"],
            name=typed["name"] or None,
            delivery=cast("Delivery", typed["delivery"]),
        )
        await self._webhooks.keep(account)
        if account.delivery == "by-hand":
            return to_paste(request, account, self._settings.public_url)
        return Redirect(_following(typed, account.id), status_code=303)

    async def qualtrics(self, _: AdminRequest, typed: Mapping[str, str]) -> Redirect:
        check_filled(
            typed, {"address": gettext("The data center or address"), "api_token": gettext("The API token")}
        )
        account, _whoami = await self._connector.add_qualtrics(
            address=typed["address"],
            api_token=typed["api_token"],
            name=typed["name"] or None,
            json_event_url=typed["json_event_url"] or None,
        )
        return Redirect(_following(typed, account.id), status_code=303)

    async def web_service(self, _: AdminRequest, typed: Mapping[str, str]) -> Redirect:
        """Save an account at a web service. It is not tried: what is called there is a Task's."""
        check_filled(typed, {"name": gettext("The name"), "address": gettext("The address")})
        if typed["authentication"] not in AUTHENTICATIONS:
            raise InvalidAccount(gettext("Choose one of these."), "authentication")
        async with self._database.transaction() as connection:
            account = await add_web_service(
                connection,
                self._box,
                name=typed["name"],
                base_url=typed["address"],
                authentication=cast("Authentication", typed["authentication"]),
                secret=typed["secret"],
                username=typed["username"],
                header_name=typed["header_name"],
            )
        return Redirect(_following(typed, account.id), status_code=303)


def _following(typed: Mapping[str, str], account_id: str) -> str:
    """Where it goes on: where somebody came from to add the account, else at the account's own page."""
    return own_path(typed["next"]) if typed["next"] else f"{PATH}/{account_id}"


def to_paste(request: AdminRequest, account: GladlyAccount, public_url: str) -> Response[str]:
    """What to paste into Gladly's settings for a webhook that is made by hand; this once."""
    return page(
        request,
        "settings/account_webhook.html",
        account_id=account.id,
        account_name=account.name,
        webhook=account.webhook,
        webhook_name=NAME,
        url=webhook_address(public_url, account.id),
        events=EVENTS,
    )


def _fields_of(kind: str) -> Mapping[str, str]:
    if kind not in TYPED:
        raise NotFoundException(gettext("There is no such kind of account."))
    return TYPED[kind]
