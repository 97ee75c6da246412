"""Why a workflow is not saved, turned on or found; each message says what to do."""

from collections.abc import Sequence
from datetime import datetime

from afterword.outcomes import ConfigurationError
from afterword.workflows.saving.checking import Mistake


class InvalidDefinition(ConfigurationError):
    """A definition has mistakes; nothing was saved."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        told = "; ".join(
            f"{mistake.path}: {mistake.words}" if mistake.path else mistake.words for mistake in mistakes
        )
        super().__init__(f"The workflow cannot be saved so. {told}.")
        self.mistakes = tuple(mistakes)


class EditConflict(ConfigurationError):
    """Somebody else saved meanwhile; nothing was saved. ``revision`` is theirs, ``person`` their name, if known."""

    def __init__(self, revision: int, person: str | None, at: datetime) -> None:
        super().__init__(
            f"{person or 'Somebody'} saved revision {revision} at {at:%Y-%m-%d %H:%M} UTC, after you began. "
            "Look at what they changed, then save again."
        )
        self.revision, self.person, self.at = revision, person, at


class NoSuchWorkflow(ConfigurationError):
    """There is no workflow of this id, or no such revision of it, or it was deleted."""


class NoTask(ConfigurationError):
    """A workflow without a task cannot be turned on."""

    def __init__(self) -> None:
        super().__init__("The workflow has no task yet; add one, then turn it on.")
