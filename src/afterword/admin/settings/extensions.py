"""*Extensions*: every task type that is installed, with its package, and a switch."""

import functools

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.rights import may_connect
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.settings.account_forms import LARGEST_FORM, check_may
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.store.database import Database
from afterword.tasks.describing import describe_installed
from afterword.tasks.registry import UnusableTaskType, documentation_of
from afterword.translating import gettext as _
from afterword.workflows.saving.extensions import ExtensionInUse, switch_extension, switched_off

PATH = "/settings/extensions"


class Extension(msgspec.Struct, frozen=True):
    """A task type as the page shows it; ``documentation`` is an address, empty where its package tells none."""

    name: str
    label: str
    summary: str
    package: str
    documentation: str


@functools.cache
def _installed() -> tuple[tuple[Extension, ...], tuple[UnusableTaskType, ...]]:
    """What is installed does not change while a process runs."""
    described, installed = describe_installed()
    extensions = tuple(
        Extension(one.name, one.label, one.summary, one.package, documentation_of(one.name))
        for one in sorted(described, key=lambda one: one.label.casefold())
    )
    return extensions, installed.unusable


def extensions_routes(database: Database) -> list[HTTPRouteHandler]:
    """The page, and its switches."""

    async def show(request: AdminRequest, problem: str = "") -> Response[str]:
        extensions, unusable = _installed()
        async with database.transaction() as connection:
            off = await switched_off(connection)
        return page(
            request,
            "settings/extensions.html",
            status=422 if problem else 200,
            extensions=extensions,
            unusable=unusable,
            off=off,
            problem=problem,
            may_connect=may_connect(request.user),
        )

    @get(PATH)
    async def extensions(request: AdminRequest) -> Response[str]:
        """List the task types."""
        return await show(request)

    @post(f"{PATH}/{{name:str}}", request_max_body_size=LARGEST_FORM)
    async def switch(request: AdminRequest, name: FromPath[str]) -> Response[str] | Redirect:
        """Switch one on or off."""
        check_may(request)
        found = next((one for one in _installed()[0] if one.name == name), None)
        if found is None:
            raise NotFoundException(_("No such task type is installed here."))
        is_on = text_of(await request.form(), "on") == "yes"
        try:
            async with database.transaction() as connection:
                await switch_extension(connection, name, found.label, is_on=is_on)
        except ExtensionInUse as error:
            return await show(request, str(error))
        return Redirect(f"{PATH}#{name}", status_code=303)

    return [extensions, switch]
