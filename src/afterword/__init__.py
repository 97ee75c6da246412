"""Afterword asks a customer how it went after every support conversation, and puts the answer where the agents look.

The parts and who may know whom are in docs/design.md; ``cli.py`` is where a command begins, ``web.py`` and
``worker.py`` put the two halves together.
"""

__version__ = "0.1.0"
