"""Puts the sandbox together and runs it: two web sites, the SMTP server and the webhooks' postman, in one
process.
"""

import asyncio
import fcntl
import os
import signal
import sys
import threading
from contextlib import AsyncExitStack
from io import TextIOWrapper
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from afterword_sandbox import control, seed, telling_past
from afterword_sandbox.api.edge import API_PREFIX, CONTROL_PREFIX, MAX_BODY_BYTES, gladly_edge
from afterword_sandbox.api.routes import API_ROUTES
from afterword_sandbox.company import tokens
from afterword_sandbox.exporting import make_export_jobs, stop
from afterword_sandbox.faults import control as faults_control
from afterword_sandbox.faults.calls import call_faults
from afterword_sandbox.faults.rules import Faults
from afterword_sandbox.live import LiveChanges
from afterword_sandbox.mail.catcher import MailCatcher
from afterword_sandbox.mail.smtp import SmtpServer
from afterword_sandbox.options import Addresses, Options
from afterword_sandbox.pages import acting, desktop, desktop_actions
from afterword_sandbox.pages import mails as mail_pages
from afterword_sandbox.pages.mails import MAIL_SITE, MailSite
from afterword_sandbox.pages.settings.routes import SETTINGS_ROUTES
from afterword_sandbox.pages.site_guard import site_guard
from afterword_sandbox.rate_limit import RateLimit, ReportLimit
from afterword_sandbox.sandbox import SANDBOX, Sandbox
from afterword_sandbox.store import Store
from afterword_sandbox.webhooks.delivery import Postman
from afterword_sandbox.webhooks.notice import DeactivationNotice

SHUTDOWN_SECONDS = 0.2
"""How long a request under way may take to end when the sandbox stops."""


class CannotStart(Exception):
    """The sandbox cannot run as it was asked to; the text says why and what to do."""


def _lock(data_dir: Path) -> TextIOWrapper:
    """Make the data directory ours, private, until the process ends."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (data_dir / "sandbox.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise CannotStart(f"another sandbox is running on {data_dir}") from None
    return lock


def _taken(option: str, host: str, port: int, error: OSError) -> CannotStart:
    return CannotStart(
        f"cannot listen on {host} port {port}: {error.strerror or error}. Choose another with {option}."
    )


async def _serve(app: web.Application, stack: AsyncExitStack, host: str, port: int, option: str) -> int:
    """Serve a site until the stack closes, and return its port."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise _taken(option, host, port, error) from None
    bound: int = runner.addresses[0][1]
    return bound


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _host_names(options: Options) -> set[str]:
    public = urlsplit(options.public_url).hostname if options.public_url else None
    return {options.host, *([public] if public else [])}


def _sandbox_app(sandbox: Sandbox) -> web.Application:
    guard = site_guard(_host_names(sandbox.options), unguarded=(API_PREFIX, CONTROL_PREFIX))
    app = web.Application(middlewares=[gladly_edge, call_faults, guard], client_max_size=MAX_BODY_BYTES)
    app[SANDBOX] = sandbox
    app.add_routes(API_ROUTES)
    app.add_routes(control.ROUTES)
    app.add_routes(faults_control.ROUTES)
    app.add_routes((*desktop.ROUTES, *desktop_actions.ROUTES, *acting.ROUTES))
    app.add_routes(SETTINGS_ROUTES)
    return app


def _mail_app(site: MailSite, options: Options) -> web.Application:
    app = web.Application(middlewares=[site_guard(_host_names(options))])
    app[MAIL_SITE] = site
    app.add_routes(mail_pages.ROUTES)
    return app


async def _start_mail(
    options: Options, stack: AsyncExitStack, mails: MailCatcher, live: LiveChanges, addresses: Addresses
) -> None:
    smtp = SmtpServer(mails)
    try:
        addresses.smtp_port = await smtp.start(options.host, options.smtp_port)
    except OSError as error:
        raise _taken("--smtp-port", options.host, options.smtp_port, error) from None
    stack.callback(smtp.stop)
    site = MailSite(mails, live, addresses)
    port = await _serve(
        _mail_app(site, options), stack, options.host, options.mail_page_port, "--mail-page-port"
    )
    addresses.mail_url = _url(options.host, port)


async def start(options: Options, stack: AsyncExitStack) -> Addresses:
    """Start everything; closing the stack stops it. Raises `CannotStart`."""
    stack.enter_context(_lock(options.data_dir))
    live, addresses = LiveChanges(), Addresses()
    store = Store(options.data_dir / "gladly.db")
    stack.callback(store.close)
    seed.seed(store, past_days=options.past_days)
    with store.transaction():
        api_user = tokens.ensure_configured(store, options.username, options.api_token)
    mails = MailCatcher(options.data_dir / "mails.db", live)
    stack.callback(mails.close)
    faults = Faults()
    notice = DeactivationNotice(store, mails, addresses)
    postman = Postman(store, options.resend_delays, faults, notice)
    store.listeners.extend((postman.tell, live.hear))
    stack.push_async_callback(postman.stop)
    stack.push_async_callback(stop, asyncio.create_task(make_export_jobs(store)))
    await postman.open()
    await _start_mail(options, stack, mails, live, addresses)
    sandbox = Sandbox(
        options,
        store,
        api_user,
        postman,
        RateLimit(options.requests_per_second),
        ReportLimit(options.reports_per_minute),
        live,
        mails,
        addresses,
        faults,
    )
    sandbox.apply_settings()
    port = await _serve(_sandbox_app(sandbox), stack, options.host, options.port, "--port")
    addresses.sandbox_url = (options.public_url or _url(options.host, port)).rstrip("/")
    postman.resume()
    stack.push_async_callback(stop, asyncio.create_task(telling_past.tell_past(store)))
    return addresses


def _tell_when_stdin_ends(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def wait() -> None:
        try:
            while os.read(sys.stdin.fileno(), 4096):
                pass
        except (OSError, ValueError, AttributeError):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


async def run(options: Options) -> None:
    """Run until SIGTERM, SIGINT or, if asked for, the end of standard input."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        addresses = await start(options, stack)
        if options.exit_with_stdin:
            _tell_when_stdin_ends(loop, stop)
        print(  # noqa: T201 -- this line is for whoever started the sandbox
            f"Gladly sandbox at {addresses.sandbox_url}, mail at {addresses.mail_url}, "
            f"SMTP on port {addresses.smtp_port}",
            flush=True,
        )
        await stop.wait()
