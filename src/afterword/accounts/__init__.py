"""Accounts: who may come in, and which accounts at Gladly and Qualtrics are connected.

People with their roles and passwords, their API tokens, connected accounts, and the box that every secret
is encrypted in. It may know the store, and the vendors' clients, which it makes from what is connected.
Functions take a connection whose transaction is their caller's. Start with ``people.py``; what is kept
secret, and how, stands in ``secrets.py``.
"""
