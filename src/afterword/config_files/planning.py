"""What the files would change: each document held against what is there, with all that it refers to found."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from afterword.config_files.documents import Account, Document, Kind, MailingList, Survey, Workflow
from afterword.config_files.folder import Fault, Faults, Loaded, Source
from afterword.config_files.installed import Installed, definition_of, renamed
from afterword.config_files.naming import Named, Names, UnknownReference
from afterword.store.identifiers import new_id
from afterword.tasks.contract import AnyTaskType
from afterword.workflows.definitions import Definition, JsonEvent
from afterword.workflows.saving.revisions import Difference, compare, compare_values

NEW = "new"
"""Stands for the endpoint of a JSON Event that is to be made."""
PREFIXES: dict[Kind, str] = {"mailing list": "CG", "survey": "SV", "workflow": "OC"}
REFERENCE_KINDS: dict[Kind, str] = {"mailing list": "mailing-list", "survey": "survey"}


class Change(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A thing that is to be added, changed or deleted. ``definition`` is a workflow's, referring by ids."""

    kind: Kind
    id: str
    name: str
    what: Literal["added", "changed", "deleted"]
    differences: tuple[Difference, ...] = ()
    document: Document | None = None
    definition: Definition | None = None
    source: Source | None = None


class _There(msgspec.Struct, frozen=True, eq=False):
    """What documents are held against."""

    installed: Installed
    names: Names
    task_types: Mapping[str, AnyTaskType]


class Planned(msgspec.Struct, frozen=True, eq=False):
    """The changes, in the order in which they can be made; and what is there and in no file, which is left alone."""

    changes: tuple[Change, ...]
    left_alone: tuple[tuple[Kind, str], ...]


def plan(
    loaded: Sequence[Loaded],
    installed: Installed,
    task_types: Mapping[str, AnyTaskType],
    *,
    prune: bool = False,
) -> Planned:
    """Find what is to be changed; with ``prune``, workflows that are in no file are to be deleted.

    Raises:
        Faults: something cannot be found, or is there twice.
    """
    faults: list[Fault] = []
    placed = list(_place(loaded, installed, faults))
    there = _There(installed, _all_names(placed, installed), task_types)
    changes: list[Change] = []
    for thing_id, one in placed:
        try:
            changes += _change(thing_id, one, there)
        except Faults as error:
            faults += error.faults
    if faults:
        raise Faults(faults)
    described = {(one.kind, thing_id) for thing_id, one in placed}
    missing = [key for key in installed.documents if key not in described]
    deleted = [
        Change(kind=kind, id=thing_id, name=str(installed.documents[kind, thing_id].name), what="deleted")
        for kind, thing_id in missing
        if prune and kind == "workflow"
    ]
    left = tuple(
        (kind, str(installed.documents[kind, thing_id].name))
        for kind, thing_id in missing
        if not (prune and kind == "workflow")
    )
    order = ["account", *PREFIXES]
    return Planned(tuple(sorted(changes, key=lambda change: order.index(change.kind)) + deleted), left)


def _place(
    loaded: Sequence[Loaded], installed: Installed, faults: list[Fault]
) -> Iterator[tuple[str, Loaded]]:
    """Give each document the id of what it describes, a new one where there is nothing yet."""
    seen: dict[tuple[Kind, str], str] = {}
    for one in loaded:
        try:
            thing_id = _id_of(one, installed)
        except Faults as error:
            faults += error.faults
            continue
        known = seen.setdefault((one.kind, thing_id), one.source.file)
        if known != one.source.file:
            faults.append(one.source.fault("id", f"{known} describes the same {one.kind}"))
        else:
            yield thing_id, one


def _id_of(one: Loaded, installed: Installed) -> str:
    document = one.document
    if isinstance(document, Account):
        key = f"{document.kind}/{document.name}"
        if ("account", key) not in installed.documents:
            words = (
                f"there is no {document.kind} account {document.name!r} here; files hold no secrets, so connect it by "
                f"`afterword accounts add {document.kind}`, then apply"
            )
            raise Faults([one.source.fault("name", words)])
        return key
    if document.id is not None:
        if not document.id.startswith(f"{PREFIXES[one.kind]}_"):
            words = f"the id of a {one.kind} begins with {PREFIXES[one.kind]}_"
            raise Faults([one.source.fault("id", words)])
        return document.id
    found = [
        thing_id
        for (kind, thing_id), there in installed.documents.items()
        if kind == one.kind and there.name == document.name
    ]
    if len(found) > 1:
        words = f"several have the name {document.name!r}; add the id of the one that is meant: {', '.join(found)}"
        raise Faults([one.source.fault("name", words)])
    return found[0] if found else new_id(PREFIXES[one.kind])


def _all_names(placed: Sequence[tuple[str, Loaded]], installed: Installed) -> Names:
    """The names of what is there and of what the files add; a file's name for a thing counts."""
    things = {(thing.kind, thing.id): thing for thing in installed.names.things}
    for thing_id, one in placed:
        kind = REFERENCE_KINDS.get(one.kind)
        if kind is not None:
            things[kind, thing_id] = Named(kind, thing_id, str(one.document.name))
    return Names(things.values())


def _change(thing_id: str, one: Loaded, there: _There) -> Iterator[Change]:
    before = there.installed.documents.get((one.kind, thing_id))
    match one.document:
        case Account() as account:
            _check_account(account, before, one.source)
            yield from _delivery(thing_id, account, before, one)
        case MailingList() | Survey() as document:
            after = msgspec.structs.replace(document, id=thing_id)
            differences = compare_values(_plain(before), _plain(after)) if before is not None else []
            if before is None or differences:
                yield _changed(one, thing_id, before, differences, document=after)
        case Workflow() as document:
            yield from _workflow(thing_id, document, one, there)


def _check_account(account: Account, before: Document | None, source: Source) -> None:
    """Files do not move accounts: a token goes to no address that somebody did not type with it."""
    for field in ("base_url", "username"):
        there, wanted = getattr(before, field), getattr(account, field)
        if wanted is not None and wanted != there:
            words = f"here it is {there!r}; change it where its secrets are: `afterword accounts`"
            raise Faults([source.fault(field, words)])


def _delivery(thing_id: str, account: Account, before: Document | None, one: Loaded) -> Iterator[Change]:
    """What a file may change of an account: how Gladly's events reach us."""
    if account.delivery is None or not isinstance(before, Account) or account.delivery == before.delivery:
        return
    if account.kind != "gladly":
        raise Faults([one.source.fault("delivery", "this is for Gladly accounts alone")])
    differences = compare_values({"delivery": before.delivery}, {"delivery": account.delivery})
    yield _changed(one, thing_id, before, differences, document=account)


def _workflow(workflow_id: str, document: Workflow, one: Loaded, there: _There) -> Iterator[Change]:
    source, installed = one.source, there.installed
    saved = installed.definitions.get(workflow_id)
    definition = _with_endpoint(_with_ids(document, source, there), saved)
    survey = _survey(document, source, there.names)
    document = msgspec.structs.replace(document, id=workflow_id, survey=survey)
    if document.owner is not None and document.owner.casefold() not in installed.people:
        raise Faults([source.fault("owner", f"nobody here has the address {document.owner!r}")])
    before = installed.documents.get(("workflow", workflow_id))
    if saved is None or not isinstance(before, Workflow):
        yield _changed(one, workflow_id, None, [], document=document, definition=definition)
        return
    survey_before = None if before.survey is None else installed.names.id_of("survey", before.survey)
    around = _around(msgspec.structs.replace(before, survey=survey_before))
    differences = compare_values(around, _around(document)) + compare(saved, definition)
    if differences:
        yield _changed(one, workflow_id, before, differences, document=document, definition=definition)


def _with_endpoint(definition: Definition, saved: Definition | None) -> Definition:
    """A JSON Event that is to have a new endpoint keeps the one that its workflow has, or gets the id of one to be."""
    event = definition.event
    if not isinstance(event, JsonEvent) or event.endpoint != NEW:
        return definition
    kept = saved.event if saved is not None else None
    endpoint = kept.endpoint if isinstance(kept, JsonEvent) else new_id("OC")
    return msgspec.structs.replace(definition, event=msgspec.structs.replace(event, endpoint=endpoint))


def _with_ids(document: Workflow, source: Source, there: _There) -> Definition:
    faults: list[Fault] = []

    def find(kind: str, called: str) -> str:
        try:
            return there.names.id_of(kind, called)
        except UnknownReference as error:
            faults.append(source.fault(_place_of(document, called), str(error)))
            return called

    definition = renamed(definition_of(document), there.task_types, find)
    if faults:
        raise Faults(faults)
    return definition


def _place_of(document: Workflow, called: str) -> str:
    """The path of the first value of a document that is this text; its whole where there is none."""
    return next((path for path, value in _values(msgspec.to_builtins(document)) if value == called), "")


def _values(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key != "name":
                yield from _values(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _values(item, f"{path}[{number}]")
    else:
        yield path, value


def _survey(document: Workflow, source: Source, names: Names) -> str | None:
    if document.survey is None:
        return None
    try:
        return names.id_of("survey", document.survey)
    except UnknownReference as error:
        raise Faults([source.fault("survey", str(error))]) from None


def _around(workflow: Workflow) -> dict[str, Any]:
    """A workflow's document without its definition."""
    owner = None if workflow.owner is None else workflow.owner.casefold()
    return {
        "name": workflow.name,
        "on": workflow.on,
        "owner": owner,
        "survey": workflow.survey,
        "authentication": workflow.authentication,
    }


def _plain(document: Document | None) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(document)
    return plain


def _changed(
    one: Loaded,
    thing_id: str,
    before: Document | None,
    differences: Sequence[Difference],
    *,
    document: Document,
    definition: Definition | None = None,
) -> Change:
    return Change(
        kind=one.kind,
        id=thing_id,
        name=str(document.name),
        what="added" if before is None else "changed",
        differences=tuple(differences),
        document=document,
        definition=definition,
        source=one.source,
    )
