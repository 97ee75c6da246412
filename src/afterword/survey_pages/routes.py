"""The respondent's addresses: ``/jfe/form/…`` as Qualtrics has it, and ``/opt-out/…``."""

from litestar.handlers import HTTPRouteHandler

from afterword.settings import Settings
from afterword.store.database import Database
from afterword.survey_pages.opt_out import opt_out_routes
from afterword.survey_pages.survey import survey_routes


def survey_page_routes(database: Database, settings: Settings) -> list[HTTPRouteHandler]:  # noqa: ARG001
    """The routes of this door; every one is exempt from CSRF checks, as the link's token is the key."""
    return [*survey_routes(database), *opt_out_routes(database)]
