"""A workflow in test: written to is an allow-list alone; and how many invitations it may send in an hour."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.people import Person
from afterword.accounts.rights import may_edit_workflows, may_see_customers
from afterword.admin.forms import text_of
from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.setting_up.work import Work
from afterword.admin.settings.account_forms import Wrong
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import check_may_edit, find_workflow, saved_meanwhile, why_refused
from afterword.outcomes import ConfigurationError
from afterword.pages.wording import sentence
from afterword.sending.brakes import MOST_ALLOWED, Brakes
from afterword.translating import gettext as _
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.saving.refusals import EditConflict, InvalidDefinition
from afterword.workflows.saving.workflows import save_revision

LARGEST_FORM = 256 * 1024
LONGEST_ENTRY = 320
MOST_AN_HOUR = 1_000_000
NOTHING: Mapping[str, str] = MappingProxyType({})


class _Typed(msgspec.Struct, frozen=True):
    """The form: what was ticked and typed, and the revision that it was made from."""

    in_test: bool
    allowed: str
    invitations_per_hour: str
    revision: int


def workflow_brakes_routes(work: Work) -> list[HTTPRouteHandler]:
    """The page, and its form."""
    pages = _BrakesPage(work)

    @get("/workflows/{workflow_id:str}/test")
    async def in_test(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Show whether it is in test, and who is written to."""
        workflow = await find_workflow(work.database, workflow_id)
        return pages.show(request, workflow, saved=bool(request.query_params.get("saved")))

    @post("/workflows/{workflow_id:str}/test", request_max_body_size=LARGEST_FORM)
    async def save(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str] | Redirect:
        """Save it, as a revision."""
        check_may_edit(request)
        return await pages.save(request, await find_workflow(work.database, workflow_id))

    return [in_test, save]


class _BrakesPage:
    def __init__(self, work: Work) -> None:
        self._work = work

    def show(
        self,
        request: AdminRequest,
        workflow: Workflow,
        typed: _Typed | None = None,
        errors: Mapping[str, str] = NOTHING,
        *,
        conflict: str = "",
        saved: bool = False,
    ) -> Response[str]:
        """The form: as it is saved, or as it was typed, with what somebody else saved meanwhile beside it."""
        as_saved = _typed_of(workflow)
        return page(
            request,
            "workflows/in_test.html",
            status=409 if conflict else 422 if errors else 200,
            workflow=workflow,
            typed=as_saved if typed is None else typed,
            revision=workflow.revision,
            theirs=as_saved if conflict else None,
            problems={name: Wrong(words, name) for name, words in errors.items()},
            conflict=conflict,
            saved=saved,
            most_allowed=MOST_ALLOWED,
            may_edit=may_edit_workflows(request.user),
            may_rehearse=may_see_customers(request.user),
        )

    async def save(self, request: AdminRequest, workflow: Workflow) -> Response[str] | Redirect:
        typed = _read(await request.form())
        brakes, errors = _brakes(typed)
        if brakes is None:
            return self.show(request, workflow, typed, errors)
        work, person = self._work, cast("Person", request.user)
        try:
            async with work.database.transaction() as connection:
                await save_revision(
                    connection,
                    workflow.id,
                    msgspec.structs.replace(workflow.definition, brakes=brakes),
                    person_id=person.id,
                    expected_revision=typed.revision,
                    check=check_on_saving(work.planning.types),
                )
        except EditConflict as error:
            now = await find_workflow(work.database, workflow.id)
            return self.show(request, now, typed, conflict=saved_meanwhile(error))
        except InvalidDefinition as error:
            return self.show(request, workflow, typed, _at_fields(error))
        except ConfigurationError as error:
            return self.show(request, workflow, typed, {"": why_refused(error)})
        return Redirect(f"/workflows/{workflow.id}/test?saved=1", status_code=303)


def _typed_of(workflow: Workflow) -> _Typed:
    brakes = workflow.definition.brakes
    most = brakes.invitations_per_hour
    return _Typed(
        brakes.in_test, "\n".join(brakes.allowed), "" if most is None else str(most), workflow.revision
    )


def _read(form: Any) -> _Typed:
    return _Typed(
        text_of(form, "in_test") == "yes",
        text_of(form, "allowed").replace("\x00", "").replace("\r", ""),
        text_of(form, "invitations_per_hour").strip(),
        read_id(text_of(form, "revision")) or 0,
    )


def _brakes(typed: _Typed) -> tuple[Brakes | None, Mapping[str, str]]:
    """What was typed, or what is wrong with it, by field."""
    entries = [entry.strip() for line in typed.allowed.splitlines() for entry in line.split(",")]
    allowed = tuple(dict.fromkeys(entry for entry in entries if entry))
    errors = {}
    if len(allowed) > MOST_ALLOWED:
        errors["allowed"] = _(
            "There are %(number)s entries; %(most)s are the most there may be.",
            number=len(allowed),
            most=MOST_ALLOWED,
        )
    elif any(len(entry) > LONGEST_ENTRY for entry in allowed):
        errors["allowed"] = _("An address has %(most)s characters at most.", most=LONGEST_ENTRY)
    most = read_id(typed.invitations_per_hour)
    if typed.invitations_per_hour and (most is None or not 1 <= most <= MOST_AN_HOUR):
        errors["invitations_per_hour"] = _("Write a whole number from 1 to 1,000,000, or nothing.")
    if errors:
        return None, errors
    return Brakes(in_test=typed.in_test, allowed=allowed, invitations_per_hour=most), NOTHING


def _at_fields(error: InvalidDefinition) -> Mapping[str, str]:
    """Mistakes of the allow-list at their field; of the rest of the workflow above the form."""
    errors: dict[str, list[str]] = {}
    for one in error.mistakes:
        is_list = one.path.startswith("brakes.allowed")
        words = sentence(one.words) if is_list or not one.path else f"{one.path}: {one.words}"
        errors.setdefault("allowed" if is_list else "", []).append(words)
    return {field: f"{'; '.join(words)}." for field, words in errors.items()}
