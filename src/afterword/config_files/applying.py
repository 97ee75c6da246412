"""The files put in: in one transaction, or not at all."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.gladly_accounts import change_gladly
from afterword.accounts.secrets import SecretBox
from afterword.config_files.documents import Account, MailingList, Survey, Workflow
from afterword.config_files.folder import Fault, Faults
from afterword.config_files.installed import Installed
from afterword.config_files.planning import Change
from afterword.directory.contacts import put_mailing_list
from afterword.outcomes import ConfigurationError
from afterword.surveys.definitions import SurveyDefinition, put_survey
from afterword.webhook_keeping.states import look_soon
from afterword.workflows.definitions import Definition, JsonEvent
from afterword.workflows.saving.refusals import InvalidDefinition
from afterword.workflows.saving.workflows import (
    Check,
    add_workflow,
    belong_to_survey,
    change_owner,
    delete_workflow,
    rename,
    save_revision,
    turn_off,
    turn_on,
)
from afterword.workflows.starting.endpoints import (
    NoSuchEndpoint,
    add_endpoint,
    new_url_token,
    require_authentication,
)


class Applier:
    """Makes changes within the caller's transaction; whoever calls rolls it back when there are faults."""

    def __init__(
        self,
        connection: AsyncConnection,
        box: SecretBox,
        installed: Installed,
        *,
        check: Check,
        owner_id: str,
    ) -> None:
        """``owner_id`` is the person to whom endpoints belong where a file names nobody."""
        self._connection = connection
        self._box = box
        self._installed = installed
        self._check = check
        self._owner_id = owner_id

    async def apply(self, changes: Sequence[Change]) -> None:
        """Make all changes.

        Raises:
            Faults: some cannot be made; each is told at its line, and the transaction has to be rolled back.
        """
        faults: list[Fault] = []
        for change in changes:
            try:
                async with self._connection.begin_nested():
                    await self._make(change)
            except InvalidDefinition as error:
                faults += [
                    Fault("", 0, mistake.words)
                    if change.source is None
                    else change.source.fault(mistake.path, _words(mistake.path, mistake.words))
                    for mistake in error.mistakes
                ]
            except ConfigurationError as error:
                fault = Fault("", 0, str(error))
                faults.append(fault if change.source is None else change.source.fault("", str(error)))
        if faults:
            raise Faults(faults)

    async def _make(self, change: Change) -> None:
        match change.document:
            case Account() as account:
                account_id = self._installed.account_ids["account", change.id]
                await change_gladly(self._connection, self._box, account_id, delivery=account.delivery)
                await look_soon(self._connection, account_id)
            case MailingList(name=name):
                await put_mailing_list(self._connection, change.id, name=name)
            case Survey() as survey:
                definition = SurveyDefinition(
                    survey.questions, survey.texts, survey.embedded_data, survey.changeable_hours
                )
                await put_survey(
                    self._connection,
                    change.id,
                    name=survey.name,
                    is_active=survey.active,
                    definition=definition,
                    owner_id=self._owner_id,
                )
            case Workflow() as workflow if change.definition is not None:
                await self._keep_endpoint(workflow, change.definition)
                await self._put_workflow(change.id, workflow, change.definition)
            case _:
                await delete_workflow(self._connection, change.id)

    async def _put_workflow(self, workflow_id: str, workflow: Workflow, definition: Definition) -> None:
        owner_id = self._person(workflow)
        revision = self._installed.revisions.get(workflow_id)
        if revision is None:
            await add_workflow(
                self._connection,
                definition=definition,
                name=workflow.name,
                is_on=workflow.on,
                workflow_id=workflow_id,
                owner_id=owner_id,
                survey_id=workflow.survey,
                check=self._check,
            )
            return
        if not workflow.on:
            await turn_off(self._connection, workflow_id)
        await rename(self._connection, workflow_id, workflow.name)
        await save_revision(
            self._connection,
            workflow_id,
            definition,
            person_id=owner_id,
            expected_revision=revision,
            check=self._check,
        )
        await belong_to_survey(self._connection, workflow_id, workflow.survey)
        await change_owner(self._connection, workflow_id, owner_id)
        if workflow.on:
            await turn_on(self._connection, workflow_id, check=self._check)

    async def _keep_endpoint(self, workflow: Workflow, definition: Definition) -> None:
        """A JSON Event has its endpoint; one that is not there is made, with a new address."""
        if not isinstance(definition.event, JsonEvent):
            return
        endpoint_id, required = definition.event.endpoint, workflow.authentication
        try:
            await require_authentication(self._connection, endpoint_id, required=required)
        except NoSuchEndpoint:
            await add_endpoint(
                self._connection,
                self._box,
                endpoint_id=endpoint_id,
                person_id=self._person(workflow) or self._owner_id,
                url_token=new_url_token(),
                authentication_required=required,
            )

    def _person(self, workflow: Workflow) -> str | None:
        return None if workflow.owner is None else self._installed.people[workflow.owner.casefold()]


def _words(path: str, words: str) -> str:
    return f"{words} ({path})" if path else words
