"""Faults on demand: what goes wrong, for which calls or deliveries, and how often.

``rules.py`` is what a fault may be, and counts; ``calls.py`` is the one middleware that makes them happen to calls of
the API; ``deliveries.py`` has them happen to what webhooks get; ``control.py`` is how they are set. They are kept in
memory: a restart begins without any.
"""
