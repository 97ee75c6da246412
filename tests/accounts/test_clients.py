"""Connected accounts put to use: whose limit their calls count towards, and as whose work."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

import pytest

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.secrets import SecretBox
from afterword.outgoing.budgets import Use, calling_for
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database

if TYPE_CHECKING:
    from tests.conftest import OpenBudget, StandIn


@pytest.fixture
async def accounts(
    database: Database, box: SecretBox, open_budget: "OpenBudget", stand_in: "StandIn"
) -> AsyncIterator[ConnectedAccounts]:
    stand_in.answer(200, '{"id":"o"}')
    accounts = ConnectedAccounts(database, box, cast("RateBudget", open_budget), Settings())
    yield accounts
    await accounts.close()


async def connect(
    database: Database, box: SecretBox, stand_in: "StandIn", name: str, organization: str | None
) -> str:
    async with database.transaction() as connection:
        account = await add_gladly(
            connection,
            box,
            name=name,
            base_url=stand_in.url,
            username=f"{name}@acme.example",
            api_token="t",
            organization_id=organization,
        )
    return account.id


async def test_accounts_of_one_organization_share_its_limit(
    accounts: ConnectedAccounts,
    database: Database,
    box: SecretBox,
    open_budget: "OpenBudget",
    stand_in: "StandIn",
) -> None:
    ids = [
        await connect(database, box, stand_in, name, organization)
        for name, organization in (("one", "acme"), ("two", "acme"), ("three", "other"), ("four", None))
    ]
    for id_ in ids:
        await (await accounts.gladly(id_)).organization()
    names = [name for name, _, _ in open_budget.turns]
    assert names == [
        "gladly/acme/GET",
        "gladly/acme/GET",
        "gladly/other/GET",
        f"gladly/{ids[3]}/GET",
    ]


async def test_calls_are_of_the_use_that_is_asked_for_else_the_present_one_else_all_accounts(
    accounts: ConnectedAccounts,
    database: Database,
    box: SecretBox,
    open_budget: "OpenBudget",
    stand_in: "StandIn",
) -> None:
    id_ = await connect(database, box, stand_in, "one", "acme")
    asked: tuple[Use | None, ...] = (None, "interactive")
    for use in asked:
        await (await accounts.gladly(id_, use)).organization()
        with calling_for("backfill"):
            await (await accounts.gladly(id_, use)).organization()
    assert open_budget.uses == ["live", "backfill", "interactive", "interactive"]
    ports = {
        request.transport and request.transport.get_extra_info("peername") for request, _ in stand_in.requests
    }
    assert len(ports) == 1, "all over the same connections"
