"""Intake: the doors that events come in by: Gladly's webhooks, what Qualtrics tells of responses, JSON events.

Each door authenticates, bounds and parses a request and records the event; nothing else happens before the answer.
Start with ``json_events.py``.
"""
