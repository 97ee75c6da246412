"""The web interface with the pages that make workflows, and a survey service to make them with."""

import pytest_asyncio
from tests.fixtures.connecting_site import box, gladly_id, qualtrics_id, settings, site

from afterword.accounts.secrets import SecretBox
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.saving.guide import Guide, make_guide, make_own_service

__all__ = ["box", "gladly_id", "qualtrics_id", "settings", "site"]


@pytest_asyncio.fixture
async def guide(database: Database, box: SecretBox, settings: Settings, gladly_id: str) -> Guide:
    """The guide's three workflows, off, and our own survey service."""
    async with database.transaction() as connection:
        own = await make_own_service(connection, box, public_url=settings.public_url, owner_id=None)
        return await make_guide(connection, gladly_account_id=gladly_id, own=own)
