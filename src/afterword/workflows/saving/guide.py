"""The vendors' guide set up: its three Workflows, and Afterword's own survey service in Qualtrics' place.

What is there is found by what it says, whoever made it and whatever it is called; what is missing is made.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.api_tokens import add_api_token
from afterword.accounts.connected import find_by_name, list_accounts
from afterword.accounts.people import add_service_account, find_person_by_email
from afterword.accounts.qualtrics_accounts import add_qualtrics, change_qualtrics, get_qualtrics, host_of
from afterword.accounts.secrets import SecretBox
from afterword.directory.contacts import add_mailing_list
from afterword.store import tables
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.surveys.outlines import SurveyOutline
from afterword.workflows.definitions import ConversationClosed, Definition, JsonEvent, SurveyResponse
from afterword.workflows.saving.listing import Workflow, get_workflow, list_workflows
from afterword.workflows.saving.templates import (
    ANSWER_NAME,
    ASK_NAME,
    TELL_NAME,
    gladly_to_json_event,
    json_event_to_survey,
    response_to_gladly,
)
from afterword.workflows.saving.workflows import Check, add_workflow
from afterword.workflows.starting.endpoints import (
    endpoint_at,
    get_endpoint,
    make_endpoint,
    regenerate_address,
)

OWN_SERVICE_NAME = "Afterword's own survey service"
SURVEY_NAME = "Customer satisfaction (CSAT)"
MAILING_LIST_NAME = "Customers asked after a conversation"
APP_NAME = "Gladly Qualtrics App"
APP_EMAIL = "gladly-qualtrics-app@service.invalid"
"""Its API token hangs on no person who may leave, as the guide asks; nobody signs in by this address."""

T = TypeVar("T")


class OwnService(msgspec.Struct, frozen=True, kw_only=True):
    """Afterword's own survey service as a connected Qualtrics account, with the JSON event that it calls."""

    account_id: str
    endpoint_id: str


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """The guide's Workflows as far as they are there: *tell* of a closing, *ask*, put the *answer* into Gladly.

    With a real Qualtrics, *ask* is a Workflow there.
    """

    tell: Workflow | None = None
    ask: Workflow | None = None
    answer: Workflow | None = None

    @property
    def workflows(self) -> tuple[Workflow, ...]:
        """Those that are there, in the guide's order."""
        return tuple(one for one in (self.tell, self.ask, self.answer) if one is not None)


async def find_guide(connection: AsyncConnection, gladly_account_id: str) -> Guide:
    """The guide's Workflows of this Gladly account."""
    all_ = await list_workflows(connection)
    tell = _first(one for one in all_ if _tells(one.definition, gladly_account_id))
    return Guide(
        tell=tell,
        ask=_first(one for one in all_ if _asks(one.definition)),
        answer=_first(one for one in all_ if _answers(one.definition, gladly_account_id)),
    )


async def find_own_service(connection: AsyncConnection, box: SecretBox) -> OwnService | None:
    """Afterword's own survey service, where it is connected: the account whose JSON event is one of ours."""
    for summary in await list_accounts(connection):
        account = await get_qualtrics(connection, box, summary.id) if summary.kind == "qualtrics" else None
        url = None if account is None else account.json_event_url
        endpoint_id = None if url is None else await endpoint_at(connection, url)
        if endpoint_id is not None:
            return OwnService(account_id=summary.id, endpoint_id=endpoint_id)
    return None


async def give_another_address(
    connection: AsyncConnection, box: SecretBox, endpoint_id: str, *, public_url: str
) -> list[str]:
    """Give a JSON event another address; the one that it had stops.

    Connected accounts that send there, as our own survey service does, are told: answers their names.

    Raises:
        NoSuchEndpoint: there is none.
    """
    senders = []
    for summary in await list_accounts(connection):
        account = await get_qualtrics(connection, box, summary.id) if summary.kind == "qualtrics" else None
        if account is not None and account.json_event_url:
            is_sender = await endpoint_at(connection, account.json_event_url) == endpoint_id
            senders += [account] if is_sender else []
    await regenerate_address(connection, box, endpoint_id)
    url = (await get_endpoint(connection, box, endpoint_id, public_url=public_url)).address
    for account in senders:
        await change_qualtrics(connection, box, account.id, json_event_url=url)
    return [account.name for account in senders]


async def make_own_service(
    connection: AsyncConnection, box: SecretBox, *, public_url: str, owner_id: str | None
) -> OwnService:
    """Connect Afterword's own survey service in Qualtrics' place, if it is not yet: with a JSON event's address, a
    service account whose token it takes, a Mailing List, and the CSAT survey, which then belongs to ``owner_id``.

    Raises:
        InvalidAccount: the public address is none.
    """
    found = await find_own_service(connection, box)
    if found is not None:
        return found
    app = await find_person_by_email(connection, APP_EMAIL) or await add_service_account(
        connection, email=APP_EMAIL, name=APP_NAME, role="api_user"
    )
    token = await add_api_token(connection, app.id, APP_NAME)
    endpoint_id = await make_endpoint(connection, box, person_id=app.id)
    url = (await get_endpoint(connection, box, endpoint_id, public_url=public_url)).address
    before = await find_by_name(connection, "qualtrics", OWN_SERVICE_NAME)
    if before is None:
        account = await add_qualtrics(
            connection, box, name=OWN_SERVICE_NAME, api_token=token, json_event_url=url
        )
    else:  # its Workflow was deleted, and the JSON event with it
        account = await change_qualtrics(
            connection, box, before.id, api_token=token, json_event_url=url, base_url=host_of(url)
        )
    await _own_survey(connection, owner_id)
    await _own_list(connection)
    return OwnService(account_id=account.id, endpoint_id=endpoint_id)


async def make_guide(
    connection: AsyncConnection,
    *,
    gladly_account_id: str,
    own: OwnService | None = None,
    qualtrics_account_id: str = "",
    survey_id: str = "",
    owner_id: str | None = None,
    is_on: bool = False,
    at_once: bool = False,
    check: Check | None = None,
) -> Guide:
    """Make those of the guide's Workflows that are not there yet, and answer all.

    Either with our ``own`` survey service, or with a real Qualtrics account and, for the way back, its ``survey_id``.
    ``at_once``: a score stands on the timeline without waiting for its comment.

    Raises:
        InvalidDefinition: ``check`` found mistakes; then nothing should be committed.
    """

    async def made(name: str, definition: Definition) -> Workflow:
        event = definition.event
        workflow_id = await add_workflow(
            connection,
            name=name,
            definition=definition,
            is_on=is_on,
            workflow_id=event.endpoint if isinstance(event, JsonEvent) else None,  # as in Qualtrics
            owner_id=owner_id,
            check=check,
        )
        return await get_workflow(connection, workflow_id)

    known = await find_guide(connection, gladly_account_id)
    tell, ask, answer = known.tell, known.ask, known.answer
    if tell is None:
        account_id = qualtrics_account_id if own is None else own.account_id
        tell = await made(TELL_NAME, gladly_to_json_event(gladly_account_id, account_id))
    if own is not None:
        survey_id = (ask and survey_asked(ask.definition)) or await _own_survey(connection, owner_id)
        if ask is None:
            list_id = await _own_list(connection)
            ask = await made(ASK_NAME, json_event_to_survey(own.endpoint_id, list_id, survey_id))
    if answer is None and survey_id:
        at = None if own is not None else qualtrics_account_id
        answer = await made(
            ANSWER_NAME,
            response_to_gladly(survey_id, gladly_account_id, qualtrics_account_id=at, at_once=at_once),
        )
    return Guide(tell=tell, ask=ask, answer=answer)


def questions_of(survey: SurveyOutline) -> tuple[str, str]:
    """The ids of the questions that are taken for score and comment: the first with choices, the first without."""
    score = _first(one.id for one in survey.questions if one.choices and not one.answers)
    comment = _first(one.id for one in survey.questions if not one.choices)
    return score or "QID1", comment or "QID2"


def survey_asked(definition: Definition) -> str | None:
    """The id of the Survey that a Workflow distributes."""
    asking = _first(task for task in definition.tasks if task.type == "distribute-survey")
    return None if asking is None else asking.configuration.get("survey")


async def _own_survey(connection: AsyncConnection, owner_id: str | None) -> str:
    """The CSAT survey, else the oldest there is; one is made where there is none."""
    survey = tables.survey
    found = await connection.scalar(
        select(survey.c.id).order_by(survey.c.name != SURVEY_NAME, survey.c.created_at, survey.c.id).limit(1)
    )
    return found or await add_survey(
        connection, name=SURVEY_NAME, definition=csat_survey(), owner_id=owner_id
    )


async def _own_list(connection: AsyncConnection) -> str:
    mailing_list = tables.mailing_list
    found = await connection.scalar(
        select(mailing_list.c.id)
        .order_by(mailing_list.c.name != MAILING_LIST_NAME, mailing_list.c.created_at, mailing_list.c.id)
        .limit(1)
    )
    return found or await add_mailing_list(connection, name=MAILING_LIST_NAME)


def _tells(definition: Definition, gladly_account_id: str) -> bool:
    event = definition.event
    return (
        isinstance(event, ConversationClosed)
        and event.account == gladly_account_id
        and any(task.type == "send-json-event" for task in definition.tasks)
    )


def _asks(definition: Definition) -> bool:
    return isinstance(definition.event, JsonEvent) and any(
        task.type == "distribute-survey" for task in definition.tasks
    )


def _answers(definition: Definition, gladly_account_id: str) -> bool:
    return isinstance(definition.event, SurveyResponse) and any(
        task.type == "gladly-timeline-event" and task.configuration.get("account") == gladly_account_id
        for task in definition.tasks
    )


def _first(those: Iterable[T]) -> T | None:
    return next(iter(those), None)
