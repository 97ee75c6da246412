"""Explain: what happened to a Customer, a Conversation or a Response, why, and what comes next.

It only reads. ``lookups.py`` finds what is meant by what somebody typed; ``gathering.py`` reads all that hangs
together with it, in a fixed number of queries over indexes; ``stories.py`` puts it in order; ``sentences.py``,
``passing.py`` and ``upcoming.py`` tell it in words. Start with ``explain.py``.
"""
