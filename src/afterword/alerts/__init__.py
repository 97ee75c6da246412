"""Alerts: what an operator should be told of without having to look.

Whoever makes a fact records the alert in the same transaction (``recording.py``: start there). What of it is told, and
how much at most, is decided in ``deciding.py``; ``delivering.py`` hands it to the channels of ``channels.py``. All that
this part knows of the rest is the database and how to call out; mail is sent by whom it is given.
"""
