"""What is wrong with piped text that asks for something that is not there, and what was perhaps meant."""

import difflib
from collections.abc import Iterable

from jsonpath.path import JSONPath
from jsonpath.segments import JSONPathChildSegment
from jsonpath.selectors import NameSelector

from afterword.piped_text import Pipe
from afterword.piped_text.malformed import SCHEMES
from afterword.translating import N_, translated
from afterword.translating import gettext as _
from afterword.workflows.saving.names import Earlier, Names
from afterword.workflows.values.fields import InvalidPath, compile_path
from afterword.workflows.values.outputs import output_path

MOST_SUGGESTIONS = 3
HOW_TO_WRITE = {
    "date": N_(
        "%(pipe)s is no date; write it like date://CurrentDate/Y-m-d or date://OtherDate/Y-m-d/+1 day"
    ),
    "rand": N_("%(pipe)s is no range; write it like rand://int/1:100"),
}


def problem(names: Names, pipe: Pipe) -> str | None:
    """What is wrong with a pipe where these names are known; ``None`` when it is one of them."""
    if pipe.scheme in names.unknowable:
        return None
    if pipe.scheme == "ch":
        return _output_problem(names, pipe)
    if any(source(pipe) is not None for source in names.sources):
        return None
    if pipe.scheme not in SCHEMES:
        near = difflib.get_close_matches(pipe.scheme, SCHEMES, n=1, cutoff=0.6)
        words = _(
            "%(pipe)s is not known: nothing has values of the kind %(scheme)s://",
            pipe=pipe,
            scheme=pipe.scheme,
        )
        return words + _meant(f"{one}://" for one in near)
    if pipe.scheme in HOW_TO_WRITE:
        return _(HOW_TO_WRITE[pipe.scheme], pipe=pipe)
    words = (
        _("%(pipe)s is not known here: no Embedded Data of this name is declared", pipe=pipe)
        if pipe.scheme == "e"
        else _("%(pipe)s is not known here", pipe=pipe)
    )
    return words + _meant(_near(names, str(pipe)))


def meant_by(names: Names, name: str) -> str | None:
    """The piped text for a bare name (``${CustomerId}``), if there is one of that name."""
    wanted = name.casefold()
    return next((one.pipe for one in names.offered if _last(one.pipe).casefold() == wanted), None)


def _last(pipe: str) -> str:
    return pipe[2:-1].rpartition("/")[2].removeprefix("$.")


def _near(names: Names, wanted: str) -> list[str]:
    """Known pipes that end in this name, or else in one that is much like it."""
    by_name: dict[str, list[str]] = {}
    for one in names.offered:
        by_name.setdefault(_last(one.pipe).casefold(), []).append(one.pipe[2:-1])
    name = wanted.rpartition("/")[2].casefold()
    near = (
        [name]
        if name in by_name
        else difflib.get_close_matches(name, by_name, n=MOST_SUGGESTIONS, cutoff=0.75)
    )
    return [pipe for like in near for pipe in by_name[like]]


def _output_problem(names: Names, pipe: Pipe) -> str | None:
    try:
        asked = output_path(pipe)
        path = compile_path(asked.path)
    except InvalidPath as error:
        return str(error)
    task = next((one for one in names.earlier if one.id == asked.task), None)
    if task is None:
        return _no_such_task(names, pipe, asked.task)
    top = _top_name(path)
    if task.outputs is None or top is None or top in task.outputs:
        return None
    return _no_such_output(task, task.outputs, top)


def _no_such_task(names: Names, pipe: Pipe, task: str) -> str:
    if task in names.later:
        return _(
            "%(pipe)s asks for the output of a task that does not come before; move that task before this one",
            pipe=pipe,
        )
    near = difflib.get_close_matches(task, [one.id for one in names.earlier], n=1, cutoff=0.5)
    words = _("%(pipe)s asks for the output of a task that there is not", pipe=pipe)
    return words + _meant(f"ch://{one}/" for one in near)


def _no_such_output(task: Earlier, outputs: tuple[str, ...], top: str) -> str:
    near = difflib.get_close_matches(top, outputs, n=1, cutoff=0.6)
    meant = _meant(f"ch://{task.id}/$.{one}" for one in near)
    words = (
        _(
            "the task “%(task)s” puts out no “%(name)s”; it puts out %(outputs)s",
            task=translated(task.label),
            name=top,
            outputs=", ".join(outputs),
        )
        if outputs
        else _(
            "the task “%(task)s” puts out nothing, and so no “%(name)s”",
            task=translated(task.label),
            name=top,
        )
    )
    return words + meant


def _top_name(path: JSONPath) -> str | None:
    """The name that a JSONPath begins with, if it begins with one name."""
    first = next(iter(path.segments), None)
    if not isinstance(first, JSONPathChildSegment) or len(first.selectors) != 1:
        return None
    selector = first.selectors[0]
    return selector.name if isinstance(selector, NameSelector) else None


def _meant(candidates: Iterable[str]) -> str:
    some = list(candidates)[:MOST_SUGGESTIONS]
    return "; " + _("did you mean %(names)s?", names=f" {_('or')} ".join(some)) if some else ""
