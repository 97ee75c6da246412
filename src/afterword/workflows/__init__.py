"""Workflows: what is to happen when something happened, and what did.

What a workflow says stands here (``definitions.py``, ``conditions.py``); how it is kept in ``saving/``, what starts its
runs in ``starting/``, what they work with in ``values/``, the engine in ``running/``, and what is told of them in
``history/``, ``explaining/`` and ``rehearsing/``. Knows tasks only by ``afterword.tasks.contract``: which task types
there are is none of its business.
"""
