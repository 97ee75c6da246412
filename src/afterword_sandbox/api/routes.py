"""Every address of Gladly's API that the sandbox answers."""

from aiohttp import web

from afterword_sandbox.api import (
    answers,
    automation,
    business_hours,
    communications,
    conversations,
    customers,
    events,
    exports,
    items,
    messages,
    notes,
    people,
    reports,
    tasks,
    topics,
    webhooks,
)

API_ROUTES: tuple[web.RouteDef, ...] = (
    *people.ROUTES,
    *topics.ROUTES,
    *customers.ROUTES,
    *conversations.ROUTES,
    *notes.ROUTES,
    *items.ROUTES,
    *messages.ROUTES,
    *communications.ROUTES,
    *tasks.ROUTES,
    *answers.ROUTES,
    *business_hours.ROUTES,
    *automation.ROUTES,
    *webhooks.ROUTES,
    *events.ROUTES,
    *reports.ROUTES,
    *exports.ROUTES,
)
