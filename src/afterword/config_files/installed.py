"""What the installation has, as the documents that its files would be."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.config_files.documents import Account, Document, Kind, MailingList, Survey, Task, Workflow
from afterword.config_files.naming import REFERENCES, Named, Names, replaced
from afterword.sending.brakes import NO_BRAKES
from afterword.store import tables
from afterword.surveys.definitions import SurveyDefinition
from afterword.tasks.contract import AnyTaskType
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    Schedule,
    SurveyResponse,
)
from afterword.workflows.definitions import Task as DefinedTask
from afterword.workflows.saving.listing import list_workflows
from afterword.workflows.saving.saved import saved_references

Rename = Callable[[str, str], str]
"""From what something is called to what it is to be called: kind of reference, name or id."""

MOST = 10_000


class Installed(msgspec.Struct, frozen=True, eq=False):
    """All that is there, by kind and id; accounts by kind and name. ``revisions`` are the workflows' current ones."""

    documents: dict[tuple[Kind, str], Document]
    names: Names
    revisions: dict[str, int]
    definitions: dict[str, Definition]
    people: dict[str, str]
    """Ids by email address in lower case."""
    account_ids: dict[tuple[Kind, str], str]
    """Ids of accounts, by what their documents are found by."""


async def read_installed(connection: AsyncConnection, task_types: Mapping[str, AnyTaskType]) -> Installed:
    """Read it; a fixed number of queries."""
    accounts = (await connection.execute(select(tables.connected_account))).all()
    lists = (await connection.execute(select(tables.mailing_list))).all()
    surveys = (await connection.execute(select(tables.survey))).all()
    people = (await connection.execute(select(tables.person.c.id, tables.person.c.email))).all()
    endpoints = (await connection.execute(select(tables.json_event_endpoint))).all()
    workflows = await list_workflows(connection, limit=MOST)
    names = Names(
        [
            *(Named(f"{row.kind}-account", row.id, row.name) for row in accounts),
            *(Named("mailing-list", row.id, row.name) for row in lists),
            *(Named("survey", row.id, row.name) for row in surveys),
        ]
    )
    emails = {row.id: row.email for row in people}
    needs_token = {row.id: row.authentication_required for row in endpoints}
    documents: dict[tuple[Kind, str], Document] = {}
    account_ids: dict[tuple[Kind, str], str] = {}
    for row in accounts:
        key: tuple[Kind, str] = ("account", f"{row.kind}/{row.name}")
        account_ids[key] = row.id
        documents[key] = Account(
            kind=row.kind,
            name=row.name,
            base_url=row.base_url,
            username=row.username,
            delivery=row.delivery,
        )
    for row in lists:
        documents["mailing list", row.id] = MailingList(id=row.id, name=row.name)
    for row in surveys:
        asked = msgspec.convert(row.definition, SurveyDefinition)
        documents["survey", row.id] = Survey(
            id=row.id,
            name=row.name,
            active=row.is_active,
            questions=asked.questions,
            texts=asked.texts,
            embedded_data=asked.embedded_data,
            changeable_hours=asked.changeable_hours,
        )
    for workflow in workflows:
        definition = renamed(workflow.definition, task_types, names.name_of)
        event = definition.event
        documents["workflow", workflow.id] = Workflow(
            id=workflow.id,
            name=workflow.name,
            on=workflow.is_on,
            owner=None if workflow.owner_id is None else emails.get(workflow.owner_id),
            survey=None if workflow.survey_id is None else names.name_of("survey", workflow.survey_id),
            event=event,
            authentication=not isinstance(event, JsonEvent) or needs_token.get(event.endpoint, True),
            conditions=definition.conditions,
            tasks=tuple(msgspec.convert(msgspec.to_builtins(task), Task) for task in definition.tasks),
            brakes=None if definition.brakes == NO_BRAKES else definition.brakes,
        )
    return Installed(
        documents,
        names,
        {workflow.id: workflow.revision for workflow in workflows},
        {workflow.id: workflow.definition for workflow in workflows},
        {email.casefold(): person_id for person_id, email in emails.items()},
        account_ids,
    )


def definition_of(workflow: Workflow) -> Definition:
    """What a workflow's document says, as it is saved."""
    return Definition(
        workflow.event,
        tuple(msgspec.convert(msgspec.to_builtins(task), DefinedTask) for task in workflow.tasks),
        workflow.conditions,
        workflow.brakes or NO_BRAKES,
    )


def renamed(definition: Definition, task_types: Mapping[str, AnyTaskType], rename: Rename) -> Definition:
    """The definition with everything that it refers to called otherwise."""
    tasks = tuple(
        msgspec.structs.replace(task, configuration=_configuration(task, task_types, rename))
        for task in definition.tasks
    )
    return msgspec.structs.replace(definition, event=_event(definition.event, rename), tasks=tasks)


def _event(event: Event, rename: Rename) -> Event:
    match event:
        case ConversationClosed(account=account):
            return ConversationClosed(rename("gladly-account", account))
        case SurveyResponse(survey=survey, account=None):
            return msgspec.structs.replace(event, survey=rename("survey", survey))
        case SurveyResponse(account=str(account)):
            return msgspec.structs.replace(event, account=rename("qualtrics-account", account))
        case JsonEvent() | Schedule() | SurveyResponse():
            return event


def _configuration(
    task: DefinedTask, task_types: Mapping[str, AnyTaskType], rename: Rename
) -> dict[str, Any]:
    task_type = task_types.get(task.type)
    if task_type is None:
        return task.configuration
    changes = {
        path: rename(kind, called)
        for path, kind, called in saved_references(task_type.configuration, task.configuration)
        if kind in REFERENCES
    }
    configuration: dict[str, Any] = replaced(task.configuration, changes)
    return configuration
