"""The routes under ``/API/v3``."""

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from afterword.accounts.api_tokens import find_person_by_token
from afterword.qualtrics import envelope
from afterword.store.database import Database

BRAND = "afterword"

PlainRequest = Request[object, object, State]


def qualtrics_api_routes(database: Database) -> list[HTTPRouteHandler]:
    """The routes of this door."""

    @get("/API/v3/whoami")
    async def whoami(request: PlainRequest) -> Response[bytes]:
        """Tell whose token it is, as Qualtrics does."""
        token = request.headers.get("x-api-token")
        if token is None:
            return _refused(envelope.NO_CREDENTIALS)
        async with database.transaction() as connection:
            person = await find_person_by_token(connection, token)
        if person is None:
            return _refused(envelope.UNKNOWN_TOKEN)
        first, _, last = person.name.partition(" ")
        return _answer(
            200,
            envelope.success(
                {
                    "brandId": BRAND,
                    "userId": person.id,
                    "userName": f"{person.email}#{BRAND}",
                    "firstName": first,
                    "lastName": last,
                    "email": person.email,
                    "accountType": "UT_BRANDADMIN",
                    "language": "EN",
                    "datacenter": BRAND,
                }
            ),
        )

    return [whoami]


def _refused(refusal: envelope.Refusal) -> Response[bytes]:
    return _answer(refusal.status, envelope.failure(refusal.status, refusal.message, refusal.code))


def _answer(status: int, content: envelope.Answer) -> Response[bytes]:
    return Response(
        msgspec.json.encode(content),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
