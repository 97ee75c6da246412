"""What the fields of a Workflow's form have to offer: accounts, Surveys, Mailing Lists, and Piped Text with samples."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.admin.workflows.controls import Offers, Tree
from afterword.admin.workflows.draft import Draft, Forms, TaskTypes
from afterword.admin.workflows.fields import Field
from afterword.outcomes import Outcome
from afterword.piped_text import Pipe, Source, parse
from afterword.store.database import Database
from afterword.surveys.outlines import SurveyOutline
from afterword.workflows.definitions import Definition
from afterword.workflows.rehearsing.rehearsed_events import find_past_event, offered_events
from afterword.workflows.saving.checking import ACCOUNT_KINDS
from afterword.workflows.saving.choices import read_named
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.saving.names import Name, Names, invitation_names, run_names
from afterword.workflows.saving.saved import embedded_data_names
from afterword.workflows.saving.unknown_names import problem
from afterword.workflows.values.event_data import read_event

LONGEST_SAMPLE = 80
MOST_OFFERED = 500


class NameList(msgspec.Struct, frozen=True):
    """The Piped Text to choose from at one place; ``id`` is the list's in the page."""

    id: str
    offered: tuple[Name, ...]
    has_samples: bool


async def read_offers(connection: AsyncConnection) -> Offers:
    """What can be chosen, by id, with its name."""
    named = await read_named(connection)
    accounts = {kind: named.accounts.get(vendor, {}) for kind, (vendor, _) in ACCOUNT_KINDS.items()}
    return {**accounts, "survey": named.surveys, "mailing-list": named.mailing_lists}


async def sample_sources(database: Database, workflow: Workflow) -> tuple[Source, ...]:
    """The values of the newest event of the Workflow's kind; none where there is none that can be read here."""
    async with database.read_only().transaction() as connection:
        events = await offered_events(connection, workflow.id, workflow.definition.event)
        past = await find_past_event(connection, events[0].id) if events else None
    if past is None:
        return ()
    try:
        return (await read_event(database.read_only(), workflow.definition.event, past.body)).sources
    except (Outcome, msgspec.MsgspecError, ValueError):
        return ()


def name_lists(
    draft: Draft,
    forms: Forms,
    task_types: TaskTypes,
    survey: SurveyOutline | None,
    samples: Sequence[Source],
) -> list[NameList]:
    """The lists of all places of a draft."""
    definition = nameable(draft)
    if definition is None:
        return []
    lists = [_list("names-event", run_names(definition, 0, task_types, survey), samples)]
    for number, task in enumerate(definition.tasks):
        names = run_names(definition, number, task_types, survey)
        lists.append(_list(f"names-{number}-run", names, samples))
        if any(field.piped == "invitation" for field in forms.of(task.type) or ()):
            embedded = embedded_data_names(task_types[task.type].configuration, task.configuration)
            lists.append(_list(f"names-{number}-invitation", invitation_names(names, embedded), samples))
    return lists


def nameable(draft: Draft) -> Definition | None:
    """The draft as far as Piped Text can ask for it: event and Tasks, whatever is wrong with conditions and labels."""
    tasks = [{**task, "conditions": None, "label": task["label"][:200]} for task in draft.tree["tasks"]]
    try:
        return msgspec.convert({**draft.tree, "conditions": None, "tasks": tasks}, Definition)
    except msgspec.ValidationError:
        return None


def _list(list_id: str, names: Names, samples: Sequence[Source]) -> NameList:
    offered = tuple(_with_sample(name, samples) for name in names.offered[:MOST_OFFERED])
    return NameList(list_id, offered, bool(samples))


def _with_sample(name: Name, samples: Sequence[Source]) -> Name:
    pipe = next((piece for piece in parse(name.pipe) if isinstance(piece, Pipe)), None)
    if name.sample or pipe is None:
        return name
    found = next((value for source in samples if (value := source(pipe)) is not None), "")
    return msgspec.structs.replace(name, sample=" ".join(found.split())[:LONGEST_SAMPLE])


def prefill(draft: Draft, forms: Forms, names: Names, offers: Offers) -> None:
    """Fill in what a new Task, the last of the draft, is bound to say: the only account, or fields of its event."""
    task: Tree = draft.tree["tasks"][-1]
    used = dict(_used(draft, forms))
    for field in forms.of(task["type"]) or ():
        found = _bound(field, names, offers, used)
        if found is not None:
            task["configuration"][field.name] = found


def _used(draft: Draft, forms: Forms) -> Iterable[tuple[str, str]]:
    """What the rest of the Workflow names, by kind."""
    event = draft.tree["event"]
    kinds = {"gladly-conversation-closed": "gladly-account"}
    if event["type"] in kinds:
        yield kinds[event["type"]], event["account"]
    for task in draft.tree["tasks"][:-1]:
        for field in forms.of(task["type"]) or ():
            value = task["configuration"].get(field.name)
            if field.offers and isinstance(value, str):
                yield field.offers, value


def _bound(field: Field, names: Names, offers: Offers, used: Mapping[str, str]) -> object:
    if field.offers:
        found = offers.get(field.offers, {})
        if not field.is_required:
            return None
        only = next(iter(found)) if len(found) == 1 else None
        return used[field.offers] if used.get(field.offers) in found else only
    is_wanted = field.is_required or field.kind == "rows"
    return field.example if is_wanted and _is_known(field.example, names) else None


def _is_known(example: object, names: Names) -> bool:
    """Whether an example asks for values, and all of them are to be had here."""
    pipes = [pipe for text in _texts(example) for pipe in parse(text) if isinstance(pipe, Pipe)]
    return bool(pipes) and all(problem(names, pipe) is None for pipe in pipes)


def _texts(value: object) -> Iterable[str]:
    match value:
        case str():
            yield value
        case list():
            for one in value:
                yield from _texts(one)
        case dict():
            yield from _texts(list(value.values()))
