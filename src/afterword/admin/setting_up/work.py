"""What the pages work with that connect accounts and make Workflows."""

import msgspec

from afterword.accounts.secrets import SecretBox
from afterword.admin.signing_in.sessions import WantProof
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore
from afterword.tasks.planning import PlanningTasks


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """An installation's parts, for pages that change how it is set up."""

    database: Database
    settings: Settings
    box: SecretBox
    store: DatabaseStore
    planning: PlanningTasks
    want_proof: WantProof
