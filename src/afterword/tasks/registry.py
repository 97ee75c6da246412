"""Finding the task types that are installed: ours and those of other packages, by entry point alone."""

from importlib.metadata import entry_points

from afterword.outcomes import ConfigurationError
from afterword.tasks.contract import AnyTaskType
from afterword.tasks.services import Services

GROUP = "afterword.task_types"


def load_task_types(services: Services) -> dict[str, AnyTaskType]:
    """Make each task type once, by name.

    Raises:
        ConfigurationError: two packages bring a task type of one name.
    """
    task_types: dict[str, AnyTaskType] = {}
    for entry_point in entry_points(group=GROUP):
        task_type: AnyTaskType = entry_point.load()(services)
        if task_type.name in task_types:
            raise ConfigurationError(
                f"Two installed packages bring the task type {task_type.name!r}; remove one of them."
            )
        task_types[task_type.name] = task_type
    return task_types
