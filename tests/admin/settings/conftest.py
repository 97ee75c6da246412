"""The web interface with the pages that connect accounts, and accounts to look at."""

from tests.fixtures.connecting_site import box, gladly_id, qualtrics_id, settings, site

__all__ = ["box", "gladly_id", "qualtrics_id", "settings", "site"]
