"""Event subscriptions that others have with our own survey service: who is told of what, and the telling.

``topics.py`` says what can be subscribed to, ``subscriptions.py`` keeps the subscriptions, ``outbox.py`` writes down
what is to be told, in the transaction in which it happened, ``delivery.py`` tells it, later and until it was taken.
Knows nothing of surveys: whoever announces something says what the message holds. Start with ``outbox.py``.
"""
