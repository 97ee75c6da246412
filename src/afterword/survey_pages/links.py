"""Personal links as they arrive: from mails, through gateways and from whoever tries one out."""

import re
from typing import Any

from litestar import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.distributions.invitations import Invitation, find_by_link
from afterword.surveys.definitions import Survey
from afterword.translating import best_language, get_ready, speak

LINK_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")

PageRequest = Request[None, None, Any]


async def find_invitation(connection: AsyncConnection, link_token: str) -> Invitation | None:
    """The invitation of a personal link; what cannot be a token is not looked up."""
    return await find_by_link(connection, link_token) if LINK_TOKEN.fullmatch(link_token) else None


async def speak_to(request: PageRequest, survey: Survey | None) -> None:
    """Say what is not the survey's own words in its language; without a survey, as the browser asks for."""
    wanted = request.headers.get("accept-language") if survey is None else survey.definition.texts.language
    speak(best_language(wanted))
    await get_ready()


def text_fields(form: Any) -> dict[str, str]:
    """The text fields of a form; of a field that is there twice the last, of an uploaded file nothing."""
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}
