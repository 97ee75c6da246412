"""Finding the task types that are installed: ours and those of other packages, by entry point alone.

A task type that cannot be used (its import fails, something is missing) is told by name in the log and by ``afterword
tasks list``, and the others work: one package's mistake must not stop every workflow. A run that needs it fails with
``task-type-unknown``, and can be replayed. Two packages with one name are an error at start: nothing could tell which
one a workflow meant.
"""

import inspect
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import msgspec
import structlog

from afterword.outcomes import ConfigurationError
from afterword.tasks.contract import AnyTaskType, Repetition
from afterword.tasks.services import Services

log = structlog.get_logger()

GROUP = "afterword.task_types"
METHODS = ("outputs", "plan", "run")


class UnusableTaskType(msgspec.Struct, frozen=True):
    """A task type that is installed and cannot be used; ``words`` say why."""

    name: str
    package: str
    words: str


class InstalledTaskTypes(msgspec.Struct, frozen=True):
    """What is installed, by name: the entry points of what can be used, and what cannot be."""

    usable: Mapping[str, AnyTaskType]
    unusable: tuple[UnusableTaskType, ...]


def load_task_types(services: Services) -> dict[str, AnyTaskType]:
    """Make each task type once, by name; what cannot be used is told in the log.

    Raises:
        ConfigurationError: two packages bring a task type of one name.
    """
    installed = find_task_types(services)
    for broken in installed.unusable:
        log.error("task_type_unusable", task_type=broken.name, package=broken.package, words=broken.words)
    return dict(installed.usable)


def find_task_types(services: Services) -> InstalledTaskTypes:
    """Make each task type once.

    Raises:
        ConfigurationError: two packages bring a task type of one name.
    """
    usable: dict[str, AnyTaskType] = {}
    unusable: list[UnusableTaskType] = []
    for name, entry_point in sorted(_found().items()):
        try:
            usable[name] = _make(entry_point, services)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a package of others does
            unusable.append(UnusableTaskType(name, package_of(entry_point), _words(error)))
    return InstalledTaskTypes(usable, tuple(unusable))


def installed_entry_point(name: str) -> EntryPoint | None:
    """The entry point that brings a task type."""
    return _found().get(name)


def package_of(entry_point: EntryPoint) -> str:
    """The package that brings a task type, with its version."""
    return "unknown" if entry_point.dist is None else f"{entry_point.dist.name} {entry_point.dist.version}"


def documentation_of(name: str) -> str:
    """Where the package that brings a task type is documented, as it says itself; empty when it does not."""
    entry_point = installed_entry_point(name)
    if entry_point is None or entry_point.dist is None:
        return ""
    told = entry_point.dist.metadata.get_all("Project-URL") or []
    addresses = {
        label.strip().casefold(): address.strip()
        for label, _, address in (one.partition(",") for one in told)
    }
    found = addresses.get("documentation") or addresses.get("homepage") or ""
    return found if found.startswith("https://") else ""


def _found() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry_point in entry_points(group=GROUP):
        other = found.get(entry_point.name)
        if other is not None and (other.value, package_of(other)) != (
            entry_point.value,
            package_of(entry_point),
        ):
            raise ConfigurationError(
                f"Two installed packages bring the task type {entry_point.name!r}: {package_of(other)} and "
                f"{package_of(entry_point)}. Remove one of them, or have its author give it another name."
            )
        found[entry_point.name] = entry_point
    return found


class NotATaskType(Exception):
    """What an entry point leads to lacks something; the text says what."""


def _make(entry_point: EntryPoint, services: Services) -> AnyTaskType:
    task_type = entry_point.load()(services)
    for attribute, kind in (
        ("name", str),
        ("label", str),
        ("repetition", Repetition),
        ("repeats_when_unknown", bool),
        ("configuration", type),
    ):
        if not isinstance(getattr(task_type, attribute, None), kind):
            raise NotATaskType(f"its {attribute} is missing, or is no {kind.__name__}")
    if not issubclass(task_type.configuration, msgspec.Struct):
        raise NotATaskType("its configuration is no msgspec.Struct")
    for method in METHODS:
        if not callable(getattr(task_type, method, None)):
            raise NotATaskType(f"it has no {method}()")
    for method in ("plan", "run"):
        if not inspect.iscoroutinefunction(getattr(task_type, method)):
            raise NotATaskType(f"its {method}() is not async")
    if task_type.name != entry_point.name:
        raise NotATaskType(f"its name is {task_type.name!r}, and its entry point is called otherwise")
    return cast("AnyTaskType", task_type)


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, NotATaskType) else f"{type(error).__name__}: {error}"
