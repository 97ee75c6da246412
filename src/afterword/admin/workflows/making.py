"""What the forms of a new workflow make: a definition of what was chosen, and what of it is not there yet."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import cast, get_args

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.managing import list_people
from afterword.accounts.people import Person
from afterword.accounts.qualtrics_accounts import get_qualtrics
from afterword.accounts.rights import may_connect
from afterword.admin.setting_up.work import Work
from afterword.directory.contacts import add_mailing_list
from afterword.events.models import ResponseKind
from afterword.pages.wording import sentence
from afterword.surveys.definitions import add_survey, csat_survey, get_survey
from afterword.surveys.outlines import SurveyOutline, outline
from afterword.translating import gettext as _
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    JsonEvent,
    Schedule,
    SurveyResponse,
)
from afterword.workflows.saving.checking import Mistake
from afterword.workflows.saving.choices import Choices, read_choices
from afterword.workflows.saving.guide import (
    MAILING_LIST_NAME,
    SURVEY_NAME,
    make_own_service,
    questions_of,
)
from afterword.workflows.saving.known import account_survey, check_on_saving
from afterword.workflows.saving.refusals import InvalidDefinition
from afterword.workflows.saving.templates import (
    ANSWER_NAME,
    ASK_NAME,
    TELL_NAME,
    gladly_to_json_event,
    json_event_to_survey,
    response_to_gladly,
)
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.endpoints import make_endpoint

NEW = "new"
"""In a choice: what is not there yet, made together with the workflow."""
LONGEST_NAME = 200
OWN = "own"
"""In the choice of a Qualtrics account: our own survey service, connected together with the workflow."""

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "event.account": "account",
        "event.survey": "survey",
        "event.kinds": "kinds",
        "event.cron": "cron",
        "event.time_zone": "time_zone",
        "event.endpoint": "endpoint",
    }
)
"""Which field of the form a mistake of the definition belongs to."""


class Typed(msgspec.Struct, frozen=True):
    """What was typed and chosen."""

    texts: Mapping[str, str]
    kinds: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")


class Refused(Exception):
    """Nothing was made; ``errors`` say why, by field, what belongs to none under the empty name."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


class Made(msgspec.Struct, frozen=True):
    """A workflow that was made, off; ``endpoint_id`` is the JSON event that was made for it, if one was."""

    workflow_id: str
    endpoint_id: str | None


class Making:
    """Makes workflows of forms, each by its kind: what starts it, or a template of the guide."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._kinds: Mapping[str, Callable[[_Form], Awaitable[Definition]]] = {
            "conversation-closed": _conversation_closed,
            "json-event": _json_event,
            "survey-response": _survey_response,
            "schedule": _schedule,
            "tell": self._tell,
            "ask": _ask,
            "answer": _answer,
        }
        self._names = {"tell": TELL_NAME, "ask": ASK_NAME, "answer": ANSWER_NAME}

    @property
    def kinds(self) -> Sequence[str]:
        """What can be made."""
        return tuple(self._kinds)

    def name_of(self, kind: str) -> str:
        """What a workflow of this kind is called if nobody names it; empty: by its event and first task."""
        return self._names.get(kind, "")

    async def make(self, kind: str, typed: Typed, person: Person) -> Made:
        """Make a workflow, off, with what it needs that is not there yet; all of it or nothing.

        Raises:
            Refused: something is missing or wrong.
        """
        work = self._work
        try:
            async with work.database.transaction() as connection:
                form = _Form(connection, work, person, typed, await read_choices(connection))
                definition = await self._kinds[kind](form)
                workflow_id = await add_workflow(
                    connection,
                    definition=definition,
                    name=typed["name"] or None,
                    is_on=False,
                    workflow_id=form.made_endpoint,  # as in Qualtrics
                    owner_id=person.id,
                    check=check_on_saving(work.planning.types),
                )
        except InvalidDefinition as error:
            raise Refused(_at_fields(error.mistakes)) from None
        return Made(workflow_id, form.made_endpoint)

    async def _tell(self, form: "_Form") -> Definition:
        gladly_id = form.chosen("account", form.choices.accounts_of("gladly"), _("Choose a Gladly account."))
        return gladly_to_json_event(gladly_id, await form.sent_to())


class _Form:
    """A form as it is made into a workflow: what was typed, beside what there is."""

    def __init__(
        self, connection: AsyncConnection, work: Work, person: Person, typed: Typed, choices: Choices
    ) -> None:
        self.connection = connection
        self.typed = typed
        self.choices = choices
        self.made_endpoint: str | None = None
        self._work = work
        self._person = person

    def chosen(self, field: str, known: Mapping[str, str], words: str) -> str:
        """What was chosen in a field.

        Raises:
            Refused: nothing, or what is not there (any more).
        """
        value = self.typed[field]
        if value not in known:
            raise Refused(
                {field: words if not value else _("It is not there any more. %(words)s", words=words)}
            )
        return value

    async def endpoint(self) -> str:
        """The JSON event that was chosen, or one that is made now."""
        value = self.typed["endpoint"]
        if value == NEW:
            self.made_endpoint = await make_endpoint(
                self.connection, self._work.box, person_id=await self._whose_token()
            )
            return self.made_endpoint
        return self.chosen(
            "endpoint", {one.id: one.id for one in self.choices.endpoints}, _("Choose an address.")
        )

    async def _whose_token(self) -> str:
        """Whose API tokens let events in: who makes it, or somebody with the role API user."""
        wanted = self.typed["person"] or self._person.id
        services = {one.id for one in await list_people(self.connection) if one.role == "api_user"}
        if wanted != self._person.id and wanted not in services:
            raise Refused({"person": _("Choose yourself or an API user.")})
        return wanted

    async def survey(self) -> tuple[str, str | None]:
        """The Survey that was chosen, or one that is made now, and the Qualtrics account that it is in."""
        value = self.typed["survey"]
        if value == NEW:
            return await self._new_survey(), None
        known = dict.fromkeys(self.choices.surveys, "") | {
            f"{account}/{survey}": "" for account, survey in self.choices.account_surveys
        }
        account, _slash, survey = self.chosen("survey", known, _("Choose a Survey.")).rpartition("/")
        return survey, account or None

    async def _new_survey(self) -> str:
        """A Survey that asks for a score and a comment, by the name that was typed.

        Raises:
            Refused: a Survey of Afterword's own is called so.
        """
        name = self.typed["survey_name"] or SURVEY_NAME
        if len(name) > LONGEST_NAME:
            words = _("Keep the name to %(most)s characters.", most=LONGEST_NAME)
            raise Refused({"survey_name": words})
        if name.casefold() in {one.casefold() for one in self.choices.surveys.values()}:
            words = _(
                "There is a Survey “%(name)s” already. Choose it above, or call the new one otherwise.",
                name=name,
            )
            raise Refused({"survey_name": words})
        return await add_survey(
            self.connection, name=name, definition=csat_survey(), owner_id=self._person.id
        )

    async def mailing_list(self) -> str:
        """The mailing list that was chosen, or one that is made now."""
        if self.typed["mailing_list"] == NEW:
            return await add_mailing_list(self.connection, name=MAILING_LIST_NAME)
        return self.chosen("mailing_list", self.choices.mailing_lists, _("Choose a Mailing List."))

    async def sent_to(self) -> str:
        """The Qualtrics account that JSON events are sent to; our own survey service is connected if need be."""
        work = self._work
        if self.typed["sends_to"] == OWN:
            if not may_connect(self._person):
                raise Refused({"sends_to": _("Owners and administrators connect accounts.")})
            own = await make_own_service(
                self.connection, work.box, public_url=work.settings.public_url, owner_id=self._person.id
            )
            return own.account_id
        accounts = self.choices.accounts_of("qualtrics")
        account_id = self.chosen("sends_to", accounts, _("Choose who is told."))
        account = await get_qualtrics(self.connection, work.box, account_id)
        if account is None or not account.json_event_url:
            words = _(
                "%(name)s has no JSON event endpoint yet; it is given one under Settings, Connected accounts.",
                name=accounts[account_id],
            )
            raise Refused({"sends_to": words})
        return account_id

    async def outline(self, survey: str, account: str | None) -> SurveyOutline | None:
        """The Survey's questions."""
        if account is not None:
            return await account_survey(self.connection, account, survey)
        known = await get_survey(self.connection, survey)
        return None if known is None else outline(known)


def _at_fields(mistakes: Sequence[Mistake]) -> dict[str, str]:
    """Mistakes of a definition at the fields of the form. What a template's task lacks, the Survey has not."""
    errors: dict[str, str] = {}
    for one in mistakes:
        if one.path in FIELDS:
            errors.setdefault(FIELDS[one.path], f"{sentence(one.words)}.")
        elif one.path.startswith("tasks"):
            errors.setdefault(
                "survey", _("The Task needs what this Survey does not have: %(words)s.", words=one.words)
            )
        else:
            errors.setdefault("", f"{sentence(one.words)}.")
    return errors


async def _conversation_closed(form: _Form) -> Definition:
    accounts = form.choices.accounts_of("gladly")
    return Definition(ConversationClosed(form.chosen("account", accounts, _("Choose a Gladly account."))), ())


async def _json_event(form: _Form) -> Definition:
    return Definition(JsonEvent(await form.endpoint()), ())


async def _survey_response(form: _Form) -> Definition:
    kinds = tuple(kind for kind in get_args(ResponseKind) if kind in form.typed.kinds)
    survey, account = await form.survey()
    return Definition(SurveyResponse(survey, account, cast("tuple[ResponseKind, ...]", kinds)), ())


async def _schedule(form: _Form) -> Definition:
    return Definition(Schedule(form.typed["cron"], form.typed["time_zone"]), ())


async def _ask(form: _Form) -> Definition:
    survey, account = await form.survey()
    if account is not None:
        raise Refused(
            {"survey": _("Choose a Survey of Afterword's own; those of Qualtrics are sent by Qualtrics.")}
        )
    return json_event_to_survey(await form.endpoint(), await form.mailing_list(), survey)


async def _answer(form: _Form) -> Definition:
    gladly_id = form.chosen("account", form.choices.accounts_of("gladly"), _("Choose a Gladly account."))
    survey, account = await form.survey()
    read = await form.outline(survey, account)
    score, comment = ("QID1", "QID2") if read is None else questions_of(read)
    return response_to_gladly(
        survey, gladly_id, qualtrics_account_id=account, score_question=score, comment_question=comment
    )
