"""Runs child processes, starts again those that die, and stops them all together."""


class ChildDiedError(Exception):
    """A child ended that should not have; the text says how, with its last words."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
