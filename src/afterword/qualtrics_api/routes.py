"""The routes under ``/API/v3``."""

from litestar import Response, Router, get

from afterword.accounts.api_tokens import TokenUses
from afterword.accounts.people import Role
from afterword.accounts.scopes import ROUTE
from afterword.accounts.secrets import SecretBox
from afterword.qualtrics.envelope import BRAND
from afterword.qualtrics_api.access import MAY_SUBSCRIBE, ApiRequest, token_guard
from afterword.qualtrics_api.answers import Refused, answer, answer_refusal
from afterword.qualtrics_api.event_subscriptions import event_subscription_routes
from afterword.qualtrics_api.limits import Limits
from afterword.qualtrics_api.responses import response_routes
from afterword.qualtrics_api.surveys import survey_routes
from afterword.settings import Settings
from afterword.store.database import Database


def qualtrics_api_routes(
    database: Database, settings: Settings, box: SecretBox, uses: TokenUses
) -> list[Router]:
    """The routes of this door; each asks for a token before it looks at anything else."""
    return [
        Router(
            path="/API/v3",
            route_handlers=[
                whoami,
                *survey_routes(database, settings.public_url.rstrip("/")),
                *response_routes(database),
                *event_subscription_routes(database, box, settings),
            ],
            guards=[token_guard(database, uses, Limits())],
            exception_handlers={Refused: answer_refusal},
        )
    ]


@get("/whoami", opt={ROUTE: None})
async def whoami(request: ApiRequest) -> Response[bytes]:
    """Tell whose token it is, as Qualtrics does."""
    person = request.user
    first, _, last = person.name.partition(" ")
    return answer(
        {
            "brandId": BRAND,
            "userId": person.id,
            "userName": f"{person.email}#{BRAND}",
            "firstName": first,
            "lastName": last,
            "email": person.email,
            "accountType": _account_type(person.role),
            "language": "EN",
            "datacenter": BRAND,
        }
    )


def _account_type(role: Role) -> str:
    """Qualtrics' own name for a brand administrator; the other roles are ours."""
    return "UT_BRANDADMIN" if role in MAY_SUBSCRIBE else f"UT_{role.upper().replace('_', '')}"
