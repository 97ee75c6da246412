"""Every address of the settings pages."""

from aiohttp import web

from afterword_sandbox.pages.settings import behaviour, faults, tokens, users, webhooks

SETTINGS_ROUTES: tuple[web.RouteDef, ...] = (
    *users.ROUTES,
    *tokens.ROUTES,
    *webhooks.ROUTES,
    *behaviour.ROUTES,
    *faults.ROUTES,
)
