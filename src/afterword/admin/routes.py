"""The web interface put together: sessions, protection against forged forms, and the pages."""

import asyncio

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.middleware.csrf import CSRFMiddleware

from afterword.accounts.secrets import SecretBox
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
from afterword.admin.signing_in.by_open_id import open_id_routes
from afterword.admin.signing_in.by_password import send_to_sign_in, sign_in_routes
from afterword.admin.signing_in.letting_in import LettingIn
from afterword.admin.signing_in.my_account import my_account_routes
from afterword.admin.signing_in.my_codes import my_codes_routes, send_to_codes
from afterword.admin.signing_in.my_language import my_language_routes
from afterword.admin.signing_in.sessions import (
    CodesWanted,
    NotSignedIn,
    PersonOfSession,
    Sessions,
    csrf_config,
    wants_person,
)
from afterword.admin.signing_in.welcome import welcome_routes
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
    letting_in = LettingIn(sessions, store)
    helping = Helping(database, settings, box)
    set_up: list[HTTPRouteHandler] = []
    if planning is not None:
        work = Work(database=database, settings=settings, box=box, store=store, planning=planning)
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
            middleware=[
                DefineMiddleware(CSRFMiddleware, config=csrf_config(settings, csrf_secret)),
                DefineMiddleware(PersonOfSession, sessions=sessions),
            ],
            route_handlers=[
                *sign_in_routes(database, letting_in),
                *open_id_routes(database, settings, store, letting_in),
                *sign_in_code_routes(database, box, letting_in),
                *welcome_routes(database, letting_in),
                Router(
                    path="/",
                    guards=[wants_person],
                    exception_handlers={NotSignedIn: send_to_sign_in},
                    route_handlers=my_codes_routes(database, box, store, letting_in),
                ),
                Router(
                    path="/",
                    guards=[wants_person, sessions.wants_codes],
                    exception_handlers={NotSignedIn: send_to_sign_in, CodesWanted: send_to_codes},
                    route_handlers=[
                        *home_routes(database),
                        *workflow_list_routes(database, planning, helping),
                        *run_history_routes(database),
                        *replay_routes(database),
                        *sending_page_routes(database),
                        *explain_routes(database),
                        *survey_editor_routes(database, settings, helping),
                        *results_routes(database, VendorNames(database, planning), helping),
                        *people_routes(database, settings, sessions, helping),
                        *my_account_routes(database, letting_in),
                        *my_language_routes(database),
                        *set_up,
                        *settings_routes(database, settings, box, planning, helping),
                        *([] if planning is None else rehearse_routes(database, planning)),
                        *live_routes(database, stopping or asyncio.Event()),
                    ],
                ),
            ],
        )
    ]
