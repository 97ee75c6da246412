"""A workflow of every task type that is installed, rehearsed: not a row, a mail or a timeline is other than before."""

from importlib.metadata import entry_points
from typing import Any

import msgspec
from tests.fixtures.sandbox import Sandbox

from afterword.tasks.planning import PlanningTasks
from afterword.tasks.registry import GROUP, load_task_types
from afterword.workflows.definitions import Definition, SurveyResponse, Task
from afterword.workflows.rehearsing.rehearsal import PastEvent, Rehearsal, rehearse


def every_task(ready: Any, stand_in: Any, customer: str, conversation: str) -> tuple[Task, ...]:
    """A task of each type, configured so that it would be done."""
    email = {"email": "new@rehearsed.example", "first_name": "Ada", "last_name": "King"}
    configurations: dict[str, dict[str, Any]] = {
        "send-json-event": {"gladly_account": ready.gladly, "qualtrics_account": ready.qualtrics},
        "add-contact": {"mailing_list": ready.mailing_list, **email},
        "distribute-survey": {"mailing_list": ready.mailing_list, "survey": ready.survey, **email},
        "gladly-timeline-event": {"account": ready.gladly, "customer_id": customer},
        "gladly-add-topics": {
            "account": ready.gladly,
            "conversation_id": conversation,
            "topics": ["Order"],
        },
        "gladly-create-task": {
            "account": ready.gladly,
            "customer_id": customer,
            "body": "Call back",
            "inbox": "Returns & Refunds",
        },
        "web-service": {
            "method": "POST",
            "address": f"{stand_in.url}/orders",
            "body_type": "json",
            "body": "{}",
        },
        "email-notification": {
            "to": ["lead@rehearsed.example"],
            "subject": "Unhappy",
            "message": "Call them.",
        },
    }
    return tuple(
        Task(f"T-{number}", name, name, configuration)
        for number, (name, configuration) in enumerate(configurations.items(), start=1)
    )


async def rehearsed(ready: Any, tasks: tuple[Task, ...], customer: str, conversation: str) -> Rehearsal:
    """Rehearse with a response of this customer's."""
    database = ready.services.database
    data = {"CustomerId": customer, "customerId": customer, "ConversationId": conversation}
    await database.pool.execute(
        "INSERT INTO response (id, survey_id, answers, embedded_data) VALUES ('R_1', $1, '{\"QID1\": 5}', $2) "
        "ON CONFLICT DO NOTHING",
        ready.survey,
        msgspec.json.encode(data).decode(),
    )
    told = PastEvent(body=msgspec.json.encode({"responseId": "R_1", "surveyId": ready.survey}).decode())
    planning = PlanningTasks(ready.services.settings, database, ready.box)
    try:
        return await rehearse(database, planning.types, Definition(SurveyResponse(ready.survey), tasks), told)
    finally:
        await planning.close()


async def test_rehearsing_every_task_type_changes_nothing_anywhere(
    ready: Any, sandbox: Sandbox, stand_in: Any, everything: Any
) -> None:
    customer, conversation = sandbox.new_customer("Ada King", "ada@rehearsed.example")
    tasks = every_task(ready, stand_in, customer, conversation)
    assert {task.type for task in tasks} == {entry_point.name for entry_point in entry_points(group=GROUP)}
    await rehearsed(ready, (), customer, conversation)
    before = await everything(customer)
    told = await rehearsed(ready, tasks, customer, conversation)
    assert await everything(customer) == before
    assert {task.type: (task.verdict, task.reason) for task in told.tasks} == {
        task.type: ("would be done", None) for task in tasks
    }
    assert all(task.sends for task in told.tasks)


async def test_a_task_that_sends_in_its_plan_reaches_no_mail_server(ready: Any, sandbox: Sandbox) -> None:
    planning = PlanningTasks(ready.services.settings, ready.services.database, ready.box)
    distribute = planning.types["distribute-survey"]
    configuration = msgspec.convert(
        {"mailing_list": ready.mailing_list, "survey": ready.survey, "email": "a@rehearsed.example"}
        | {"first_name": "", "last_name": ""},
        distribute.configuration,
    )
    distribute.plan = distribute.run  # type: ignore[method-assign, assignment]
    task = Task("T-1", "distribute-survey", "", msgspec.to_builtins(configuration))
    told = await rehearsed_with(ready, planning, task)
    await planning.close()
    assert [(task.verdict, task.reason_code) for task in told.tasks] == [("would fail", "unexpected-error")]
    assert sandbox.mails("a@rehearsed.example") == []
    assert await ready.services.database.pool.fetchval("SELECT count(*) FROM invitation") == 0


async def rehearsed_with(ready: Any, planning: PlanningTasks, task: Task) -> Rehearsal:
    from afterword.workflows.definitions import JsonEvent  # noqa: PLC0415

    return await rehearse(
        ready.services.database, planning.types, Definition(JsonEvent("OC_1"), (task,)), PastEvent(body="{}")
    )


def test_a_process_that_is_never_asked_loads_no_task_type(ready: Any) -> None:
    planning = PlanningTasks(ready.services.settings, ready.services.database, ready.box)
    assert "accounts" not in planning.__dict__
    assert set(planning.types) == set(load_task_types(ready.services))
