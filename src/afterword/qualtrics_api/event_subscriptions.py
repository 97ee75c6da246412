"""Event subscriptions: made, listed, looked at, ended. Changing one is not among Qualtrics' calls."""

import msgspec
from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from afterword.accounts.scopes import ROUTE
from afterword.accounts.secrets import SecretBox
from afterword.outgoing.addresses import InvalidAddress
from afterword.qualtrics import envelope
from afterword.qualtrics_api.access import MAY_SUBSCRIBE, NO_ADMINISTRATOR, ApiRequest, require
from afterword.qualtrics_api.answers import Refused, answer, read_body
from afterword.qualtrics_api.paging import page_result, read_page
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.subscriptions.check import try_address
from afterword.subscriptions.subscriptions import (
    InvalidSubscription,
    NewSubscription,
    Subscription,
    add_subscription,
    check_subscription,
    delete_subscription,
    get_subscription,
    list_subscriptions,
)
from afterword.subscriptions.topics import UnknownTopic, never_happening, parse_topics, surveys_of
from afterword.surveys.definitions import missing_surveys

LONGEST_ID_TOLD = 40


class WantedSubscription(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a new subscription; further keys, of which clients send some, mean nothing."""

    topics: str
    publication_url: str
    encrypt: bool = False
    shared_key: str | None = None


def event_subscription_routes(
    database: Database, box: SecretBox, settings: Settings
) -> list[HTTPRouteHandler]:
    """The routes of event subscriptions."""
    address = f"{settings.public_url.rstrip('/')}/API/v3/eventsubscriptions"

    @get("/eventsubscriptions", opt={ROUTE: "read:subscriptions"})
    async def subscriptions(request: ApiRequest) -> Response[bytes]:
        """List every subscription."""
        require(request, MAY_SUBSCRIBE, NO_ADMINISTRATOR)
        page = read_page(request.query_params)
        async with database.transaction() as connection:
            found = await list_subscriptions(connection, box, limit=page.limit, offset=page.offset)
        return answer(page_result(address, page, [_shape(subscription) for subscription in found]))

    @post("/eventsubscriptions", status_code=200, opt={ROUTE: "write:subscriptions"})
    async def subscribe(request: ApiRequest) -> Response[bytes]:
        """Make a subscription, once its address has shown that it answers."""
        require(request, MAY_SUBSCRIBE, NO_ADMINISTRATOR)
        new = await _read(request, database)
        try:
            await try_address(new, allow_private=settings.allow_private_addresses)
            async with database.transaction() as connection:
                subscription_id = await add_subscription(connection, box, new, person_id=request.user.id)
        except InvalidSubscription as error:
            raise Refused(envelope.BAD_PARAMETER, str(error)) from None
        return answer({"id": subscription_id}, notice=_never_told(new.topics))

    @get("/eventsubscriptions/{subscription_id:str}", opt={ROUTE: "read:subscriptions"})
    async def subscription(request: ApiRequest, subscription_id: FromPath[str]) -> Response[bytes]:
        """Tell of one subscription."""
        require(request, MAY_SUBSCRIBE, NO_ADMINISTRATOR)
        async with database.transaction() as connection:
            found = await get_subscription(connection, box, _storable(subscription_id))
        if found is None:
            raise _not_found(subscription_id)
        return answer(_shape(found))

    @delete("/eventsubscriptions/{subscription_id:str}", status_code=200, opt={ROUTE: "write:subscriptions"})
    async def unsubscribe(request: ApiRequest, subscription_id: FromPath[str]) -> Response[bytes]:
        """End a subscription."""
        require(request, MAY_SUBSCRIBE, NO_ADMINISTRATOR)
        async with database.transaction() as connection:
            there_was = await delete_subscription(connection, _storable(subscription_id))
        if not there_was:
            raise _not_found(subscription_id)
        return answer()

    return [subscriptions, subscribe, subscription, unsubscribe]


async def _read(request: ApiRequest, database: Database) -> NewSubscription:
    """What is wanted, checked as far as it can be without calling anybody."""
    wanted = await read_body(request, WantedSubscription)
    if wanted.encrypt:
        raise Refused(
            envelope.BAD_PARAMETER,
            "encrypt: true is not supported, as Qualtrics does not document how it encrypts; give a sharedKey to "
            "have deliveries signed, and an https address to have them encrypted on the way.",
        )
    new = NewSubscription(wanted.topics, wanted.publication_url, wanted.shared_key)
    try:
        check_subscription(new)
    except (UnknownTopic, InvalidAddress, InvalidSubscription) as error:
        raise Refused(envelope.BAD_PARAMETER, str(error)) from None
    async with database.transaction() as connection:
        missing = await missing_surveys(connection, surveys_of(parse_topics(new.topics)))
    if missing:
        raise Refused(envelope.BAD_PARAMETER, f"topics: there is no survey {', '.join(sorted(missing))}.")
    return new


def _never_told(topics: str) -> str | None:
    """What clients show as a warning."""
    never = never_happening(parse_topics(topics))
    return f"Afterword will never tell of {', '.join(never)}: it does not happen here." if never else None


def _shape(subscription: Subscription) -> dict[str, object]:
    return {
        "id": subscription.id,
        "scope": envelope.BRAND,
        "topics": subscription.topics,
        "publicationUrl": subscription.publication_url,
        "encrypted": False,
        "successfulCalls": subscription.successful_calls,
    }


def _not_found(subscription_id: str) -> Refused:
    return Refused(
        envelope.Refusal(404, "ESSG_2", f"{_storable(subscription_id)[:LONGEST_ID_TOLD]} not found")
    )


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL; no id has one."""
    return text.replace("\x00", "")
