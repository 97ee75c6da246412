"""Webhooks: who gets which events (``management.py``) and how they get there (``delivery.py``).

It knows the store and the company's events; nothing of the pages or the API. Start reading at
``delivery.py``.
"""
