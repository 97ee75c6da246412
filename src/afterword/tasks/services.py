"""What tasks are given to work with: made by the worker, once in each process."""

import msgspec

from afterword.accounts.clients import ConnectedAccounts
from afterword.distributions.sending import Mailer
from afterword.eligibility.ledger import Ledger
from afterword.sending.checking import BrakesCheck
from afterword.settings import Settings
from afterword.store.database import Database


class Services(msgspec.Struct, frozen=True, eq=False):
    """``accounts`` answers a client for each connected account, always the same one."""

    database: Database
    settings: Settings
    accounts: ConnectedAccounts
    mail: Mailer
    ledger: Ledger
    brakes: BrakesCheck
