"""Afterword's own API for programs: run history as JSON.

A request comes with an API token (``X-API-TOKEN``, or ``Authorization: Bearer``); errors are problem details
(RFC 9457). Start with ``routes.py``.
"""
