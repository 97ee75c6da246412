"""Workflows: what is to happen when something happened, and what did.

Definitions and their revisions (``definitions.py``), the inbox made into runs (``matching.py``), running them
(``engine.py``) and telling about them (``history.py``). Knows tasks only by ``afterword.tasks.contract``: which task
types there are is none of its business.
"""
