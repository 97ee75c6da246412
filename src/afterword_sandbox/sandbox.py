"""The running sandbox as its HTTP handlers see it."""

from dataclasses import dataclass

from aiohttp import web

from afterword_sandbox import settings
from afterword_sandbox.company.events import Actor
from afterword_sandbox.faults.rules import Faults
from afterword_sandbox.live import LiveChanges
from afterword_sandbox.mail.catcher import MailCatcher
from afterword_sandbox.options import Addresses, Options
from afterword_sandbox.rate_limit import RateLimit, ReportLimit
from afterword_sandbox.store import Store
from afterword_sandbox.webhooks.delivery import Postman


@dataclass
class Sandbox:
    """Everything that a request may need."""

    options: Options
    store: Store
    api_user: Actor
    """The user that the sandbox was started with; who calls is `authentication.actor`."""
    postman: Postman
    rate_limit: RateLimit
    report_limit: ReportLimit
    live: LiveChanges
    mails: MailCatcher
    addresses: Addresses
    faults: Faults

    def apply_settings(self) -> None:
        """Let the rate limit be what the settings say, else what the sandbox was started with."""
        wanted = settings.read(self.store).requests_per_second
        self.rate_limit.per_second = wanted or self.options.requests_per_second


SANDBOX: web.AppKey[Sandbox] = web.AppKey("sandbox", Sandbox)
