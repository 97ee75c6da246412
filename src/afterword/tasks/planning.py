"""The task types for those who never carry a task out: to check definitions, and to rehearse."""

import functools
from collections.abc import Iterable, Mapping
from email.message import EmailMessage

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.secrets import SecretBox
from afterword.distributions.sending import Mailer, Taken
from afterword.eligibility.ledger import Ledger
from afterword.sending.checking import BrakesCheck
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.tasks.contract import AnyTaskType
from afterword.tasks.registry import load_task_types
from afterword.tasks.services import Services


class PlanningTasks:
    """Made when they are first asked for, so that a process that is never asked loads nothing.

    What they are given to work with can only read: the database refuses writes, and no mail is taken, whatever a task
    type's plan does. The vendors' limits are shared with everybody, as calls that read count too.
    """

    def __init__(self, settings: Settings, database: Database, box: SecretBox) -> None:
        self._settings = settings
        self._database = database
        self._box = box

    def __deepcopy__(self, memo: object) -> "PlanningTasks":
        """Itself. (The web framework copies what routes are configured with.)"""
        return self

    @property
    def types(self) -> Mapping[str, AnyTaskType]:
        """Every installed task type, by name.

        Raises:
            ConfigurationError: two packages bring a task type of one name.
        """
        return self._types

    async def close(self) -> None:
        """Close the connections to vendors."""
        if "accounts" in self.__dict__:
            await self.accounts.close()

    @functools.cached_property
    def accounts(self) -> ConnectedAccounts:
        """A client for each connected account."""
        database = self._database
        budget = RateBudget(database.pool)
        return ConnectedAccounts(database, self._box, budget, self._settings, use="interactive")

    @functools.cached_property
    def _types(self) -> Mapping[str, AnyTaskType]:
        settings = self._settings
        database = self._database.read_only()
        return load_task_types(
            Services(
                database,
                settings,
                self.accounts,
                _NoMail(settings),
                Ledger(database),
                BrakesCheck(database, settings),
            )
        )


class _NoMail(Mailer):
    """Takes no mail."""

    async def send(self, message: EmailMessage, secrets: Iterable[str] = ()) -> Taken:  # noqa: ARG002 - whatever it is
        """Refuse: a plan that sends is a fault of its task type."""
        raise RuntimeError("A plan must not send mail.")
