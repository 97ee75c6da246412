"""Webhooks: who gets which events (``management.py``) and how they get there (``delivery.py``).

It knows the store, the company and the mail catcher; nothing of the pages or the API. Start reading at
``delivery.py``.
"""
