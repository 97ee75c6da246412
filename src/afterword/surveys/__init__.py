"""Surveys: what is asked, what was answered.

A Survey's definition (``definitions.py``) and its Responses (``responses.py``). Knows contacts and events, nothing of
invitations or workflows: a response is recorded together with the event that tells of it.
"""
