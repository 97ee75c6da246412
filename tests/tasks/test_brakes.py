"""The tasks that write to customers ask the brakes first, and nothing goes out that they hold."""

from typing import Any

import msgspec
import pytest
from tests.fixtures.sandbox import Sandbox
from tests.tasks.test_distribute_survey import call as survey_call
from tests.tasks.test_send_json_event import OK
from tests.tasks.test_send_json_event import call as event_call

from afterword.outcomes import Retry, Skip
from afterword.sending import pausing
from afterword.sending.brakes import Brakes
from afterword.settings import Settings
from afterword.tasks.contract import Done, TaskCall, Wait
from afterword.tasks.distribute_survey import DistributeSurveyTask
from afterword.tasks.email_notification import EmailNotification, EmailNotificationTask
from afterword.tasks.send_json_event import SendJsonEventTask
from afterword.workflows.definitions import ConversationClosed, Definition
from afterword.workflows.saving.workflows import add_workflow

IN_TEST = Brakes(in_test=True, allowed=("@team.example",))


async def pause(ready: Any) -> None:
    async with ready.services.database.transaction() as connection:
        await pausing.pause(connection, by="Olive")


async def workflow(ready: Any, brakes: Brakes) -> str:
    async with ready.services.database.transaction() as connection:
        definition = Definition(ConversationClosed(ready.gladly), (), brakes=brakes)
        return await add_workflow(connection, name="Ask", definition=definition, is_on=False)


def notification(**changes: Any) -> TaskCall[EmailNotification]:
    wanted = EmailNotification(to=("lead@team.example",), subject="A low score")
    return TaskCall(
        run_key="8",
        task_id="T-1",
        attempt=1,
        configuration=msgspec.structs.replace(wanted, **changes),
        fields={"customerEmailAddress": "Ada@customers.example"},
    )


async def test_a_survey_is_held_while_sending_is_paused_and_the_mail_is_not_sent(
    ready: Any, sandbox: Sandbox
) -> None:
    await pause(ready)
    task, wanted = DistributeSurveyTask(ready.services), survey_call(ready, email="paused@brakes.example")
    with pytest.raises(Retry) as held:
        await task.run(wanted)
    assert (held.value.waiting_for, held.value.reason.code) == ("sending", "sending-paused")
    assert sandbox.mails("paused@brakes.example") == []
    async with ready.services.database.transaction() as connection:
        await pausing.resume(connection, by="Olive")
    assert isinstance(await task.run(wanted), Done)
    assert len(sandbox.mails("paused@brakes.example")) == 1


async def test_a_survey_that_waits_for_its_time_waits_while_sending_is_paused(ready: Any) -> None:
    await pause(ready)
    waits = await DistributeSurveyTask(ready.services).run(survey_call(ready, delay_seconds=3600.0))
    assert isinstance(waits, Wait)


async def test_in_test_who_is_not_on_the_list_is_skipped_at_once_and_not_even_saved(
    ready: Any, sandbox: Sandbox
) -> None:
    task = DistributeSurveyTask(ready.services)
    wanted = survey_call(ready, email="ada@customers.example", delay_seconds=3600.0)
    wanted = msgspec.structs.replace(wanted, brakes=IN_TEST)
    for attempt in (task.plan, task.run):
        with pytest.raises(Skip) as skipped:
            await attempt(wanted)
        assert skipped.value.reason.code == "workflow-in-test"
        assert "ada" not in skipped.value.reason.words
    assert await ready.services.database.pool.fetchval("SELECT count(*) FROM contact") == 0
    allowed = msgspec.structs.replace(survey_call(ready, email="bob@team.example"), brakes=IN_TEST)
    assert isinstance(await task.run(allowed), Done)


async def test_put_in_test_while_a_survey_waits_it_is_not_sent(ready: Any, sandbox: Sandbox) -> None:
    task = DistributeSurveyTask(ready.services)
    workflow_id = await workflow(ready, IN_TEST)
    wanted = msgspec.structs.replace(
        survey_call(ready, email="waits@customers.example"), workflow_id=workflow_id
    )
    with pytest.raises(Skip) as skipped:
        await task.run(wanted)
    assert skipped.value.reason.code == "workflow-in-test"
    assert sandbox.mails("waits@customers.example") == []


async def test_one_survey_too_many_is_held_and_a_mail_tried_again_is_counted_once(
    ready: Any, sandbox: Sandbox
) -> None:
    task = DistributeSurveyTask(ready.services)
    workflow_id = await workflow(ready, Brakes(invitations_per_hour=1))

    def wanted(run_id: int) -> Any:
        return msgspec.structs.replace(
            survey_call(ready, run_id, email="many@brakes.example"), workflow_id=workflow_id
        )

    await task.run(wanted(1))
    await ready.services.database.pool.execute("UPDATE invitation SET sent_at = NULL")
    assert isinstance(await task.run(wanted(1)), Done)
    with pytest.raises(Retry) as held:
        await task.run(wanted(2))
    assert held.value.waiting_for == f"sending/{workflow_id}"
    assert len(sandbox.mails("many@brakes.example")) == 2


async def test_a_json_event_to_a_real_qualtrics_is_held_counted_and_kept_to_the_list(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    stand_in.answer(200, OK)
    customer, conversation = sandbox.new_customer("Ada", "ada@held-event.example")
    told = {"customerId": customer, "conversationId": conversation, "inboxId": "i", "agentId": "a"}
    task, wanted = SendJsonEventTask(ready.services), event_call(ready, **told)
    workflow_id = await workflow(ready, Brakes(invitations_per_hour=1))
    with pytest.raises(Skip) as skipped:
        await task.run(msgspec.structs.replace(wanted, brakes=IN_TEST))
    assert skipped.value.reason.code == "workflow-in-test"
    with pytest.raises(Skip):
        await task.plan(msgspec.structs.replace(wanted, brakes=IN_TEST))
    await pause(ready)
    with pytest.raises(Retry) as held:
        await task.run(wanted)
    assert held.value.waiting_for == "sending"
    async with ready.services.database.transaction() as connection:
        await pausing.resume(connection, by="Olive")
    assert stand_in.requests == []
    await task.run(msgspec.structs.replace(wanted, workflow_id=workflow_id))
    with pytest.raises(Retry) as held:
        await task.run(msgspec.structs.replace(wanted, workflow_id=workflow_id, run_key="8"))
    assert held.value.waiting_for == f"sending/{workflow_id}"
    assert len(stand_in.requests) == 1


async def test_a_json_event_to_this_very_installation_is_not_counted_as_its_invitation_is(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    stand_in.answer(200, OK)
    customer, conversation = sandbox.new_customer("Ada", "ada@own-event.example")
    told = {"customerId": customer, "conversationId": conversation, "inboxId": "i", "agentId": "a"}
    own = msgspec.structs.replace(ready.services.settings, public_url=stand_in.url)
    task = SendJsonEventTask(msgspec.structs.replace(ready.services, settings=own))
    workflow_id = await workflow(ready, Brakes(invitations_per_hour=1))
    for run in ("7", "8"):
        wanted = msgspec.structs.replace(event_call(ready, **told), workflow_id=workflow_id, run_key=run)
        await task.run(wanted)
    assert len(stand_in.requests) == 2


async def test_a_notification_to_colleagues_goes_out_while_sending_is_paused(
    ready: Any, sandbox: Sandbox
) -> None:
    await pause(ready)
    await EmailNotificationTask(ready.services).run(notification(to=("lead1@team.example",)))
    assert len(sandbox.mails("lead1@team.example")) == 1


@pytest.mark.parametrize("cc", [(), ("lead@team.example",)])
async def test_a_notification_to_a_customer_is_held_while_sending_is_paused(
    ready: Any, sandbox: Sandbox, cc: tuple[str, ...]
) -> None:
    await pause(ready)
    with pytest.raises(Retry) as held:
        await EmailNotificationTask(ready.services).run(notification(to=("ada@customers.example",), cc=cc))
    assert held.value.waiting_for == "sending"
    await DistributeSurveyTask(ready.services).run(
        survey_call(ready, email="known@customers.example", delay_seconds=60.0)
    )
    with pytest.raises(Retry):
        await EmailNotificationTask(ready.services).run(notification(to=("Known@Customers.example",)))


async def test_in_test_a_notification_goes_to_those_on_the_list_alone(ready: Any, sandbox: Sandbox) -> None:
    task = EmailNotificationTask(ready.services)
    both = notification(to=("lead2@team.example", "ada@customers.example"), cc=("ada@customers.example",))
    await task.run(msgspec.structs.replace(both, brakes=IN_TEST))
    (mail,) = sandbox.mails("lead2@team.example")
    assert mail["to"] == ["lead2@team.example"]
    nobody = msgspec.structs.replace(notification(to=("ada@customers.example",)), brakes=IN_TEST)
    with pytest.raises(Skip) as skipped:
        await task.run(nobody)
    assert skipped.value.reason.code == "workflow-in-test"


def test_the_limits_can_be_taken_away() -> None:
    settings = Settings.load({}, invitations_per_hour=0, invitations_times_usual=0)
    assert (settings.invitations_per_hour, settings.invitations_times_usual) == (0, 0)
