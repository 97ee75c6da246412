"""Surveys: the list, one of them, and its flow."""

import re

from litestar import Response, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.scopes import ROUTE
from afterword.qualtrics import envelope
from afterword.qualtrics_api.access import MAY_CHANGE_SURVEYS, ApiRequest, require
from afterword.qualtrics_api.answers import Refused, answer, read_body
from afterword.qualtrics_api.flow_reading import SentFlow, read_flow
from afterword.qualtrics_api.paging import page_result, read_page
from afterword.qualtrics_api.survey_shapes import summary, survey_flow, whole_survey
from afterword.store.database import Database
from afterword.surveys.definitions import Survey, declare_embedded_data, get_survey, list_surveys
from afterword.surveys.responses import count_responses

LARGEST_FLOW = 512 * 1024
SURVEY_ID = re.compile(r"SV_[A-Za-z0-9]{11,15}")


def survey_routes(database: Database, public_url: str) -> list[HTTPRouteHandler]:
    """The routes of surveys."""

    @get("/surveys", opt={ROUTE: "read:surveys"})
    async def surveys(request: ApiRequest) -> Response[bytes]:
        """List every survey: an installation is one organisation, whose surveys are shared."""
        page = read_page(request.query_params)
        async with database.transaction() as connection:
            found = await list_surveys(connection, limit=page.limit, offset=page.offset)
        elements = [summary(survey) for survey in found]
        return answer(page_result(f"{public_url}/API/v3/surveys", page, elements))

    @get("/surveys/{survey_id:str}", opt={ROUTE: "read:surveys"})
    async def survey(survey_id: FromPath[str]) -> Response[bytes]:
        """Tell everything of a survey."""
        async with database.transaction() as connection:
            found = await find_survey(connection, survey_id, envelope.MALFORMED_SURVEY_ID)
            counts = await count_responses(connection, survey_id)
        generated = counts.pop("test", 0)
        return answer(whole_survey(found, auditable=sum(counts.values()), generated=generated))

    @get("/survey-definitions/{survey_id:str}/flow", opt={ROUTE: "read:surveys"})
    async def flow(survey_id: FromPath[str]) -> Response[bytes]:
        """Tell a survey's flow."""
        async with database.transaction() as connection:
            found = await find_survey(connection, survey_id, envelope.INVALID_SURVEY_ID)
        return answer(survey_flow(found.id, found.definition.embedded_data))

    @put(
        "/survey-definitions/{survey_id:str}/flow",
        request_max_body_size=LARGEST_FLOW,
        opt={ROUTE: "write:surveys"},
    )
    async def replace_flow(request: ApiRequest, survey_id: FromPath[str]) -> Response[bytes]:
        """Replace a survey's flow; of it only the Embedded Data can be changed."""
        require(request, MAY_CHANGE_SURVEYS, envelope.FORBIDDEN)
        sent = await read_body(request, SentFlow)
        async with database.transaction() as connection:
            found = await find_survey(connection, survey_id, envelope.INVALID_SURVEY_ID)
            await declare_embedded_data(connection, found.id, read_flow(sent, found.id))
        return answer()

    return [surveys, survey, flow, replace_flow]


async def find_survey(connection: AsyncConnection, survey_id: str, malformed: envelope.Refusal) -> Survey:
    """The survey of this id.

    Raises:
        Refused: there is none, or it is no id of a survey at all.
    """
    if not SURVEY_ID.fullmatch(survey_id):
        raise Refused(malformed)
    found = await get_survey(connection, survey_id)
    if found is None:
        raise Refused(envelope.NO_SUCH_RESOURCE)
    return found
