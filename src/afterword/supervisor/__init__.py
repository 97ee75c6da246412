"""Runs child processes, starts again those that die, and stops them all together.

Knows nothing of what they do, and imports little: it is the parent that stays for as long as they run. Start in
``services.py``, which says what a child is; ``process.py`` is one that is a command, and ``supervisor.py`` looks after
them.
"""
