"""The pages under *Settings*: what the installation is connected to, what it can do, who may come in by which token,
and who changed what. Start in ``overview.py``; each other module is one page.
"""

from litestar.handlers import HTTPRouteHandler

from afterword.accounts.secrets import SecretBox
from afterword.admin.helping import Helping
from afterword.admin.settings.account import account_routes
from afterword.admin.settings.accounts import accounts_routes
from afterword.admin.settings.apps import apps_routes
from afterword.admin.settings.audit_log import audit_routes
from afterword.admin.settings.extensions import extensions_routes
from afterword.admin.settings.overview import overview_routes
from afterword.admin.settings.tokens import tokens_routes
from afterword.admin.signing_in.sessions import WantProof
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.tasks.planning import PlanningTasks


def settings_routes(
    database: Database,
    settings: Settings,
    box: SecretBox,
    planning: PlanningTasks | None,
    helping: Helping,
    *,
    want_proof: WantProof,
) -> list[HTTPRouteHandler]:
    """The pages under *Settings*, but for people; apps need ``planning``."""
    return [
        *overview_routes(),
        *extensions_routes(database),
        *tokens_routes(database, want_proof),
        *audit_routes(database),
        *accounts_routes(database, settings, box, helping),
        *account_routes(database, settings, box, helping),
        *([] if planning is None else apps_routes(database, settings, box, planning, helping)),
    ]
