"""Every address of Gladly's API that the sandbox answers."""

from aiohttp import web

from afterword_sandbox.api import conversations, customers, items, people, tasks, webhooks

API_ROUTES: tuple[web.RouteDef, ...] = (
    *people.ROUTES,
    *customers.ROUTES,
    *conversations.ROUTES,
    *items.ROUTES,
    *tasks.ROUTES,
    *webhooks.ROUTES,
)
