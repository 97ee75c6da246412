"""Gladly's REST API, ``/api/v1/…``: reads a request, calls ``company/`` or ``webhooks/``, writes Gladly's
answer.

``edge.py`` is what every request passes (authentication, rate limit, error format), ``fields.py`` how bodies
are checked; then there is one module for each group of addresses. A new group is a module with a ``ROUTES``
table, named in ``routes.py``.
"""
