"""The web interface put together: sessions, protection against forged forms, and the pages."""

import asyncio

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import DefineMiddleware

from afterword.accounts.secrets import SecretBox
from afterword.admin.forms import refuse_nul
from afterword.admin.helping import Helping
from afterword.admin.home import home_routes
from afterword.admin.people import people_routes
from afterword.admin.results.pages import results_routes
from afterword.admin.runs.explain import explain_routes
from afterword.admin.runs.live import live_routes
from afterword.admin.runs.rehearse import rehearse_routes
from afterword.admin.runs.replays import replay_routes
from afterword.admin.runs.run_history import run_history_routes
from afterword.admin.sending import sending_page_routes
from afterword.admin.setting_up.pages import setup_routes
from afterword.admin.setting_up.work import Work
from afterword.admin.settings import settings_routes
from afterword.admin.signing_in.by_code import sign_in_code_routes
from afterword.admin.signing_in.by_open_id import open_id_routes, provider_of
from afterword.admin.signing_in.by_password import sign_in_routes
from afterword.admin.signing_in.form_protection import FormProtection
from afterword.admin.signing_in.guarding import Guards, send_to_codes, send_to_sign_in
from afterword.admin.signing_in.kept_forms import KeptForms
from afterword.admin.signing_in.letting_in import LettingIn
from afterword.admin.signing_in.my_account import my_account_routes
from afterword.admin.signing_in.my_codes import my_codes_routes
from afterword.admin.signing_in.my_language import my_language_routes
from afterword.admin.signing_in.proving import ProofWanted, Proving, ask_for_proof, proving_routes
from afterword.admin.signing_in.sessions import (
    CodesWanted,
    NotSignedIn,
    PersonOfSession,
    Sessions,
    csrf_config,
)
from afterword.admin.signing_in.signing_out import sign_out_routes
from afterword.admin.signing_in.welcome import welcome_routes
from afterword.admin.signing_in.what_was_typed import what_was_typed_routes
from afterword.admin.surveys.pages import survey_editor_routes
from afterword.admin.vendor_names import VendorNames
from afterword.admin.workflows.brakes import workflow_brakes_routes
from afterword.admin.workflows.earlier import earlier_events_routes
from afterword.admin.workflows.editor import workflow_editor_routes
from afterword.admin.workflows.json_events import json_event_routes
from afterword.admin.workflows.listing import workflow_list_routes
from afterword.admin.workflows.new import new_workflow_routes
from afterword.admin.workflows.revisions import workflow_revisions_routes
from afterword.admin.workflows.run_now import run_now_routes
from afterword.admin.workflows.settings import workflow_settings_routes
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore
from afterword.tasks.planning import PlanningTasks


def admin_routes(
    database: Database,
    settings: Settings,
    *,
    csrf_secret: str,
    box: SecretBox,
    stopping: asyncio.Event | None = None,
    planning: PlanningTasks | None = None,
) -> list[Router]:
    """The routes of this door, whole: nothing but ``route_handlers`` of the application has to know of them.

    ``csrf_secret`` has to be the same in all processes of an installation. Sessions and CSRF checks stand
    before these routes only, so that the other doors are spared both. Open pages listen for as long as they are
    open, and a server waits for whom it serves: set ``stopping`` and they are let go. ``planning`` are the task types
    for rehearsals, and for the pages that set things up; without it there are none.
    """
    store = DatabaseStore(database)
    sessions = Sessions(database, settings)
    letting_in = LettingIn(sessions, store, box)
    kept_forms = KeptForms(store, box, letting_in.browsers)
    guards = Guards(sessions, kept_forms)
    proving = Proving(database, letting_in, kept_forms)
    provider = provider_of(settings)
    helping = Helping(database, settings, box)
    set_up: list[HTTPRouteHandler] = []
    if planning is not None:
        work = Work(
            database=database,
            settings=settings,
            box=box,
            store=store,
            planning=planning,
            want_proof=proving.want,
        )
        set_up = [
            *setup_routes(work),
            *new_workflow_routes(work),
            *json_event_routes(work),
            *workflow_editor_routes(work),
            *workflow_revisions_routes(work),
            *workflow_settings_routes(work),
            *workflow_brakes_routes(work),
            *run_now_routes(work),
            *earlier_events_routes(work),
        ]
    return [
        Router(
            path="/",
            before_request=refuse_nul,
            middleware=[
                DefineMiddleware(FormProtection, config=csrf_config(settings, csrf_secret)),
                DefineMiddleware(PersonOfSession, sessions=sessions),
            ],
            route_handlers=[
                *sign_in_routes(database, letting_in),
                *sign_out_routes(database, box, sessions, provider if settings.oidc_sign_out else None),
                *open_id_routes(database, settings, store, letting_in, provider),
                *sign_in_code_routes(database, box, letting_in),
                *welcome_routes(database, letting_in),
                Router(
                    path="/",
                    guards=[guards.wants_person],
                    exception_handlers={NotSignedIn: send_to_sign_in, ProofWanted: ask_for_proof},
                    route_handlers=[
                        *my_codes_routes(database, box, store, letting_in, proving.want),
                        *proving_routes(proving),
                    ],
                ),
                Router(
                    path="/",
                    guards=[guards.wants_person, guards.wants_codes],
                    exception_handlers={
                        NotSignedIn: send_to_sign_in,
                        CodesWanted: send_to_codes,
                        ProofWanted: ask_for_proof,
                    },
                    route_handlers=[
                        *home_routes(database),
                        *what_was_typed_routes(kept_forms),
                        *workflow_list_routes(database, planning, helping),
                        *run_history_routes(database),
                        *replay_routes(database),
                        *sending_page_routes(database),
                        *explain_routes(database),
                        *survey_editor_routes(database, settings, helping),
                        *results_routes(database, VendorNames(database, planning), helping),
                        *people_routes(database, settings, sessions, helping, proving.want),
                        *my_account_routes(database, letting_in),
                        *my_language_routes(database),
                        *set_up,
                        *settings_routes(database, settings, box, planning, helping, want_proof=proving.want),
                        *([] if planning is None else rehearse_routes(database, planning)),
                        *live_routes(database, stopping or asyncio.Event(), sessions),
                    ],
                ),
            ],
        )
    ]
