"""The running sandbox as its HTTP handlers see it."""

from dataclasses import dataclass

from aiohttp import web

from afterword_sandbox.company.events import Actor
from afterword_sandbox.live import LiveChanges
from afterword_sandbox.mail.catcher import MailCatcher
from afterword_sandbox.options import Addresses, Options
from afterword_sandbox.rate_limit import RateLimit
from afterword_sandbox.store import Store
from afterword_sandbox.webhooks.delivery import Postman


@dataclass
class Sandbox:
    """Everything that a request may need."""

    options: Options
    store: Store
    api_user: Actor
    postman: Postman
    rate_limit: RateLimit
    live: LiveChanges
    mails: MailCatcher
    addresses: Addresses


SANDBOX: web.AppKey[Sandbox] = web.AppKey("sandbox", Sandbox)
