"""Gladly: create task. Something for an agent to do, as when an unhappy customer is to be called."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.gladly.client import GladlyClient
from afterword.gladly.errors import GladlyNotFound
from afterword.gladly.models import CreatedTask, NewTask, item_id
from afterword.outcomes import Permanent, Reason, Skip
from afterword.tasks.contract import Done, Piped, Plan, Repetition, TaskCall
from afterword.tasks.fields import LONGEST_TEMPLATE, MULTILINE, GladlyAccountId
from afterword.tasks.services import Services
from afterword.translating import N_

NO_CUSTOMER = Reason("no-customer", N_("the customer ID is empty: what started the run names no customer"))
NO_BODY = Reason("gladly-task-without-body", N_("the task has no text, and Gladly takes none without"))
NO_INBOX = Reason("gladly-task-without-inbox", N_("the task names no inbox, and Gladly takes none without"))
NOT_A_TIME = Reason(
    "due-time-invalid",
    N_("the due time is none; write it as 2026-12-24T09:00:00+01:00, or leave it empty and set the hours"),
)
PAST = Reason("due-time-past", N_("the due time is past, and Gladly takes only one to come"))


class GladlyCreateTask(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of Gladly's form: whose it is, what is to be done, by when and by whom."""

    account: GladlyAccountId
    customer_id: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Customer ID"),
            description=N_("The Gladly customer that the task is about."),
            examples=["${e://Field/CustomerId}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = "${e://Field/CustomerId}"
    body: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Body"),
            description=N_("What is to be done, in plain text; cut at 10,000 characters."),
            examples=["Call back: the customer gave ${q://QID1/SelectedChoicesRecode} of 5."],
            max_length=LONGEST_TEMPLATE,
            extra_json_schema=MULTILINE,
        ),
    ]
    due_in_hours: Annotated[
        float,
        Meta(
            title=N_("Due in hours"),
            description=N_("How many hours after it is created the task is due, where no due time is set."),
            examples=[24],
            gt=0,
            le=8784,
        ),
    ] = 24
    due_at: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Due time"),
            description=N_(
                "When the task is due, with its UTC offset (without one it is UTC). It has to be to come."
            ),
            examples=["2026-12-24T09:00:00+01:00"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = ""
    inbox: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Inbox"),
            description=N_(
                "The inbox that gets the task, by its name or its id in Gladly, which demands one."
            ),
            examples=["Orders & Delivery", "${e://Field/InboxId}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ]
    agent: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Agent"),
            description=N_(
                "Who gets it, by id, email address or name; an agent of the inbox. Without one, the inbox."
            ),
            examples=["maya@yourcompany.example", "${e://Field/AgentId}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = ""


class GladlyCreateTaskTask:
    """The task type. The task's id comes from the run, and Gladly takes an id only once."""

    name = "gladly-create-task"
    label = N_("Gladly: create task")
    summary = N_("Something for an agent to do, as when an unhappy customer is to be called.")
    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = GladlyCreateTask

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts
        self._names = services.accounts.gladly_names

    def outputs(self, _: GladlyCreateTask) -> tuple[str, ...]:
        """The task, and whose it is."""
        return ("taskId", "customerId", "alreadyThere")

    async def plan(self, call: TaskCall[GladlyCreateTask]) -> Plan:
        """The task as it would be; Gladly is asked whether the customer is there, and the task."""
        gladly, task = await self._prepare(call.configuration)
        customer = await gladly.customer_profile(call.configuration.customer_id)
        task_id = item_id(call.key)
        is_there = await _is_there(gladly, task_id)
        if not is_there and task.due_at <= datetime.now(UTC):
            raise Permanent(PAST)
        output = {"taskId": task_id, "customerId": customer.id, "alreadyThere": is_there}
        return Plan(_sent(call.configuration, task), output, repeats=is_there)

    async def run(self, call: TaskCall[GladlyCreateTask]) -> Done:
        """Create it; one that is there already is success, also when its due time has passed meanwhile."""
        gladly, task = await self._prepare(call.configuration)
        task_id = item_id(call.key)
        if task.due_at > datetime.now(UTC):
            created = await gladly.create_task(call.configuration.customer_id, task, task_id=task_id)
        elif await _is_there(gladly, task_id):
            created = CreatedTask(task_id, call.configuration.customer_id, already_there=True)
        else:
            raise Permanent(PAST)
        output = {
            "taskId": created.id,
            "customerId": created.customer_id,
            "alreadyThere": created.already_there,
        }
        return Done(output, sent=_sent(call.configuration, task))

    async def _prepare(self, wanted: GladlyCreateTask) -> tuple[GladlyClient, NewTask]:
        if not wanted.customer_id.strip():
            raise Skip(NO_CUSTOMER)
        if not wanted.body.strip():
            raise Permanent(NO_BODY)
        if not wanted.inbox.strip():
            raise Permanent(NO_INBOX)
        due_at = _due_at(wanted)
        gladly = await self._accounts.gladly(wanted.account)
        inbox = await self._names.inbox(wanted.account, gladly, wanted.inbox)
        agent_id = None
        if wanted.agent.strip():
            agent_id = (await self._names.agent(wanted.account, gladly, wanted.agent)).id
        return gladly, NewTask(body=wanted.body, due_at=due_at, inbox_id=inbox.id, agent_id=agent_id)


async def _is_there(gladly: GladlyClient, task_id: str) -> bool:
    try:
        await gladly.task(task_id)
    except GladlyNotFound:
        return False
    return True


def _due_at(wanted: GladlyCreateTask) -> datetime:
    if not wanted.due_at.strip():
        return datetime.now(UTC) + timedelta(hours=wanted.due_in_hours)
    try:
        due_at = datetime.fromisoformat(wanted.due_at.strip())
        return (due_at if due_at.tzinfo else due_at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Permanent(NOT_A_TIME) from None


def _sent(wanted: GladlyCreateTask, task: NewTask) -> dict[str, str]:
    told = {
        "customerId": wanted.customer_id,
        "body": task.body,
        "dueAt": task.due_at.isoformat(timespec="seconds"),
        "inboxId": task.inbox_id,
        "agentId": task.agent_id or "",
    }
    return {name: value for name, value in told.items() if value}
