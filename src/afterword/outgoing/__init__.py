"""Calls to the outside: what every vendor client needs and none should write again.

``addresses.py`` says which addresses may be called, ``masking.py`` takes secrets and personal data out of
what others say; both are light. ``calls.py`` makes the calls (aiohttp): start there. ``answers.py`` is what comes back,
whole or while it comes, ``failures.py`` what can go wrong on the way, ``budgets.py`` and ``watching.py`` what a client
asks before each call. ``exchanges.py`` keeps what went over the wire for run history. Nothing here knows a vendor.
"""
