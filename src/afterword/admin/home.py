"""Home: how asking goes at a glance, what waits, what failed and needs somebody, and how each connection is."""

from datetime import UTC, datetime, timedelta

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.rights import may_connect, may_operate, may_see_customers
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.distributions.figures import AskedSurvey, Figures, asked_surveys, figures, newest_comments
from afterword.sending.pausing import current_pause
from afterword.store.database import Database
from afterword.translating import N_
from afterword.workflows.history.connections import connections
from afterword.workflows.history.waiting import COUNTED, read_waiting
from afterword.workflows.running.held_back import list_held_back
from afterword.workflows.running.problems import list_problems
from afterword.workflows.saving.listing import asks_customers

PERIODS = {"1": N_("Today"), "7": N_("7 days"), "28": N_("28 days")}
"""Days up to now, the last of them from midnight (UTC) on, in words."""
BEFORE_DAYS = 28
MOST_PROBLEMS = 5
MOST_COMMENTS = 5


class Trend(msgspec.Struct, frozen=True):
    """How a share differs from that of the weeks before, in percentage points; ``sure`` when its interval says so."""

    points: int
    sure: bool


def home_routes(database: Database) -> list[HTTPRouteHandler]:
    """The first page."""
    home_page = _HomePage(database)

    @get("/")
    async def home(request: AdminRequest) -> Response[str]:
        """Show how things are."""
        return await home_page.show(request)

    return [home]


class _HomePage:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def show(self, request: AdminRequest) -> Response[str]:
        days = request.query_params.get("days", "1")
        days = days if days in PERIODS else "1"
        async with self._database.read_only().transaction() as connection:
            surveys = await asked_surveys(connection)
            now, before = await self._figures(connection, surveys, int(days))
            may_see = may_see_customers(request.user)
            health = await connections(connection)
            return page(
                request,
                "home.html",
                asks=await asks_customers(connection),
                days=days,
                periods=PERIODS,
                now=now,
                before=before,
                trend=_trend(now, before),
                waiting=await read_waiting(connection),
                counted=COUNTED,
                problems=await list_problems(connection, limit=MOST_PROBLEMS),
                held_back=await list_held_back(connection),
                health=health,
                account_names={one.account.id: one.account.name for one in health},
                comments=await newest_comments(connection, surveys, limit=MOST_COMMENTS) if may_see else [],
                pause=await current_pause(connection),
                may_see=may_see,
                may_operate=may_operate(request.user),
                may_connect=may_connect(request.user),
            )

    async def _figures(
        self, connection: AsyncConnection, surveys: list[AskedSurvey], days: int
    ) -> tuple[Figures, Figures]:
        """Those of the period, and of the weeks before it."""
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        since = tomorrow - timedelta(days=days)
        before = await figures(connection, surveys, since - timedelta(days=BEFORE_DAYS), since)
        return await figures(connection, surveys, since, tomorrow), before


def _trend(now: Figures, before: Figures) -> Trend | None:
    """How CSAT moved; ``None`` where one of both is not known."""
    share, earlier, interval = now.csat.value, before.csat.value, now.csat.interval
    if share is None or earlier is None or interval is None:
        return None
    return Trend(round((share - earlier) * 100), not interval.low <= earlier <= interval.high)
