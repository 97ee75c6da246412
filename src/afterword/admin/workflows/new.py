"""A new workflow: first what starts it, an event or a schedule, or which template; then its form."""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast, get_args
from zoneinfo import available_timezones

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.managing import list_people
from afterword.accounts.people import Person
from afterword.accounts.rights import may_connect
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.setting_up.work import Work
from afterword.admin.settings.account_forms import Wrong
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import check_may_edit
from afterword.admin.workflows.making import NEW, OWN, Making, Refused, Typed
from afterword.events.models import ResponseKind
from afterword.outcomes import ConfigurationError
from afterword.pages.wording import day_and_time, sentence
from afterword.translating import N_
from afterword.translating import gettext as _
from afterword.workflows.cron import check_schedule, next_moments, words_of
from afterword.workflows.definitions import Schedule
from afterword.workflows.saving.choices import Choices, read_choices
from afterword.workflows.saving.guide import SURVEY_NAME, find_guide, find_own_service
from afterword.workflows.saving.listing import Workflow

PATH = "/workflows/new"
LARGEST_FORM = 32 * 1024
FIELDS = (
    "name",
    "account",
    "sends_to",
    "endpoint",
    "person",
    "survey",
    "survey_name",
    "mailing_list",
    "cron",
    "time_zone",
)
NOTHING: Mapping[str, str] = MappingProxyType({})
USUAL_SCHEDULE = Schedule("0 9 * * 1-5")
SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "0 * * * *": N_("Every hour"),
        "0 9 * * *": N_("Every day at 09:00"),
        "0 9 * * 1-5": N_("Monday to Friday at 09:00"),
        "0 8 * * 1": N_("Mondays at 08:00"),
        "0 6 1 * *": N_("The first of each month at 06:00"),
    }
)
MOMENTS_SHOWN = 3
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "event": N_("Started when an event is received"),
        "conversation-closed": N_("A Conversation is closed in Gladly"),
        "json-event": N_("JSON Event"),
        "survey-response": N_("Survey Response"),
        "schedule": N_("Started on a schedule"),
        "tell": N_("Gladly Qualtrics App"),
        "ask": N_("Gladly Triggered Survey"),
        "answer": N_("Send Survey Response to Gladly"),
    }
)
USES_GLADLY = frozenset({"conversation-closed", "tell", "answer"})


class Meant(msgspec.Struct, frozen=True):
    """What a schedule means: in words, and its next moments on its own clock."""

    words: str
    moments: tuple[str, ...]


def new_workflow_routes(work: Work) -> list[HTTPRouteHandler]:
    """The pages that ask, and the forms."""
    new = _NewWorkflow(work)

    @get(PATH, sync_to_thread=False)
    def ask(request: AdminRequest) -> Response[str]:
        """Ask whether it is started by an event or on a schedule, or made from a template."""
        check_may_edit(request)
        return page(request, "workflows/new.html", titles=TITLES)

    @get(f"{PATH}/event", sync_to_thread=False)
    def ask_which(request: AdminRequest) -> Response[str]:
        """Ask which event."""
        check_may_edit(request)
        return page(request, "workflows/new_event.html", titles=TITLES)

    @get(f"{PATH}/{{kind:str}}")
    async def form(request: AdminRequest, kind: FromPath[str]) -> Response[str]:
        """The form of what was chosen."""
        check_may_edit(request)
        return await new.show(request, new.known(kind))

    @post(f"{PATH}/{{kind:str}}", request_max_body_size=LARGEST_FORM)
    async def make(request: AdminRequest, kind: FromPath[str]) -> Response[str] | Redirect:
        """Make it, or tell what a schedule that was typed means."""
        check_may_edit(request)
        return await new.make(request, new.known(kind))

    return [ask, ask_which, form, make]


class _NewWorkflow:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._making = Making(work)

    def known(self, kind: str) -> str:
        """A kind that there is.

        Raises:
            NotFoundException: there is no such kind.
        """
        if kind not in self._making.kinds:
            raise NotFoundException(_("A Workflow is not made so."))
        return kind

    async def make(self, request: AdminRequest, kind: str) -> Response[str] | Redirect:
        form = await request.form()
        typed = _typed(form)
        example = text_of(form, "example")
        if kind == "schedule" and (example in SCHEDULES or text_of(form, "do") == "look"):
            cron = example if example in SCHEDULES else typed["cron"]
            looked_at = Typed({**typed.texts, "cron": cron}, typed.kinds)
            return await self.show(request, kind, looked_at, _schedule_errors(looked_at))
        try:
            made = await self._making.make(kind, typed, cast("Person", request.user))
        except Refused as error:
            return await self.show(request, kind, typed, error.errors)
        except ConfigurationError as error:
            return await self.show(request, kind, typed, {"name": str(error)})
        if made.endpoint_id is not None:
            return Redirect(
                f"/workflows/json-events/{made.endpoint_id}?made={made.workflow_id}", status_code=303
            )
        return Redirect(f"/workflows/{made.workflow_id}", status_code=303)

    async def show(
        self,
        request: AdminRequest,
        kind: str,
        typed: Typed | None = None,
        errors: Mapping[str, str] = NOTHING,
    ) -> Response[str]:
        """The form, as it begins or with what was typed, and what is wrong at its fields."""
        work, person = self._work, cast("Person", request.user)
        async with work.database.transaction() as connection:
            choices = await read_choices(connection)
            own = await find_own_service(connection, work.box) if kind in {"tell", "ask"} else None
            people = await list_people(connection)
            alike = await _alike(connection, kind, choices)
        may_make_own = may_connect(person) and own is None
        own_endpoint = "" if own is None else own.endpoint_id
        typed = typed or self._beginning(
            kind, choices, own_endpoint, request.query_params.get("endpoint", "")
        )
        values: dict[str, Any] = {
            "accounts": choices.accounts_of("gladly"),
            "told": {
                **choices.accounts_of("qualtrics"),
                **({OWN: _("Afterword's own survey service, connected now")} if may_make_own else {}),
            },
            "endpoints": _endpoint_choices(choices, own_endpoint),
            "owners": {
                person.id: _("%(name)s (me)", name=person.name),
                **{one.id: one.name for one in people if one.role == "api_user" and one.id != person.id},
            },
            "surveys": _survey_choices(choices, of_accounts=kind != "ask"),
            "mailing_lists": {
                **choices.mailing_lists,
                NEW: _("A new one: Customers asked after a conversation"),
            },
        }
        return page(
            request,
            "workflows/new_form.html",
            status=422 if errors else 200,
            kind=kind,
            titles=TITLES,
            typed={name: typed[name] for name in FIELDS},
            kinds=typed.kinds,
            all_kinds=get_args(ResponseKind),
            problems={name: Wrong(words, name) for name, words in errors.items()},
            has_gladly=kind not in USES_GLADLY or bool(values["accounts"]),
            may_connect=may_connect(person),
            time_zones=_time_zones() if kind == "schedule" else (),
            schedules=SCHEDULES,
            meant=_meant(typed) if kind == "schedule" else None,
            alike=alike,
            usual_name=self._making.name_of(kind),
            usual_survey_name=SURVEY_NAME,
            **values,
        )

    def _beginning(self, kind: str, choices: Choices, own_endpoint: str, endpoint: str) -> Typed:
        """What is chosen at first: of what there is only one, that one."""
        gladly, surveys = choices.accounts_of("gladly"), choices.surveys
        known = {one.id for one in choices.endpoints}
        unused = {one.id for one in choices.endpoints if not one.workflows}
        if endpoint not in known:
            endpoint = own_endpoint if own_endpoint in unused else NEW
        texts = {
            "name": self._making.name_of(kind),
            "account": next(iter(gladly), "") if len(gladly) == 1 else "",
            "sends_to": next(iter(choices.accounts_of("qualtrics")), OWN),
            "endpoint": endpoint,
            "survey": next(iter(surveys), NEW if kind in {"ask", "answer"} else ""),
            "mailing_list": next(iter(choices.mailing_lists), NEW),
            "cron": USUAL_SCHEDULE.cron,
            "time_zone": USUAL_SCHEDULE.time_zone,
        }
        return Typed(texts, ("created",))


async def _alike(connection: AsyncConnection, kind: str, choices: Choices) -> list[Workflow]:
    """The workflows that do already what a template's would."""
    if kind not in {"tell", "ask", "answer"}:
        return []
    guides = [await find_guide(connection, account) for account in choices.accounts_of("gladly") or [""]]
    found = [getattr(guide, kind) for guide in guides]
    return list({one.id: one for one in found if one is not None}.values())


@functools.cache
def _time_zones() -> tuple[str, ...]:
    """The names of time zones, those of places before all others."""
    return tuple(sorted(available_timezones(), key=lambda name: ("/" not in name, name)))


def _typed(form: Any) -> Typed:
    texts = {name: text_of(form, name).replace("\x00", "").strip() for name in FIELDS}
    return Typed(texts, tuple(one for one in form.getall("kinds", []) if isinstance(one, str)))


def _schedule_errors(typed: Typed) -> Mapping[str, str]:
    mistakes = check_schedule(Schedule(typed["cron"], typed["time_zone"]))
    return {field: f"{sentence(words)}." for field, words in mistakes}


def _meant(typed: Typed) -> Meant | None:
    """What the schedule means; ``None`` where it cannot be read."""
    schedule = Schedule(typed["cron"], typed["time_zone"])
    if check_schedule(schedule):
        return None
    moments = next_moments(schedule, datetime.now(UTC), MOMENTS_SHOWN)
    told = tuple(day_and_time(moment) for moment in moments)
    return Meant(sentence(words_of(schedule)), told)


def _endpoint_choices(choices: Choices, own_endpoint: str) -> dict[str, str]:
    told = {NEW: _("A new address")}
    for one in choices.endpoints:
        used = ", ".join(workflow.name for workflow in one.workflows) or _("no Workflow yet")
        if one.id == own_endpoint:
            used = _("%(used)s; Afterword's own survey service sends here", used=used)
        told[one.id] = f"{one.id} ({used})"
    return told


def _survey_choices(choices: Choices, *, of_accounts: bool) -> dict[str, str]:
    names = [name.casefold() for name in choices.surveys.values()]
    told = {
        survey: name if names.count(name.casefold()) == 1 else f"{name} ({survey})"
        for survey, name in choices.surveys.items()
    }
    if of_accounts:
        accounts = choices.accounts_of("qualtrics")
        told |= {
            f"{account}/{survey}": f"{name} ({accounts[account]})"
            for (account, survey), name in choices.account_surveys.items()
            if account in accounts
        }
    return told | {NEW: _("A new one: a score and a comment (CSAT)")}
