"""The commands that work on an installation's database: one module a group, each with its own ``app``.

A module imports at its top only what its signatures need; what does the work is imported when the command is called,
so that ``afterword --help`` and the demo's parent process stay small.
"""
