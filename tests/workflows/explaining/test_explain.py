"""Explain tells what happened, why, and what comes next: the whole way, and each way to get stuck on it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import event as sqlalchemy_event

from afterword.outcomes import Permanent, Reason, Retry, Skip
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import ConversationClosed, SurveyResponse
from afterword.workflows.explaining.models import Explanation, Story

PUT_ON_THE_TIMELINE = (
    "“Task of Post” was done: “CSAT Score: 5” and “Customer Feedback: quick” were put on the Customer's Timeline in "
    "Gladly, item item-1."
)
AWAY = Reason("gladly-unavailable", "Gladly answered 503")


def words(story: Story) -> str:
    return "\n".join(sentence.words for sentence in story.sentences)


def details(story: Story) -> str:
    return "\n".join(detail for sentence in story.sentences for detail in sentence.details)


def next_words(story: Story) -> str:
    return "\n".join(story.upcoming)


NOT_TICKED = (
    "It started nothing: the response was updated, and the box “updated” is not ticked in a workflow that starts with "
    "this survey."
)


async def test_the_whole_way_is_told_in_order(way: Any) -> None:
    await way.close()
    await way.go()
    response_id = await way.answer()
    await way.go()
    story = await way.story("conv1")
    assert [sentence.words for sentence in story.sentences] == [
        "The Conversation was closed in Gladly (account “GA_1”).",
        "The Workflow “Tell” looked at it and began (revision 1).",
        "A JSON event arrived for the Workflow “Ask”.",
        "“Task of Tell” was done, and sent 5 values.",
        "The Workflow “Ask” looked at it and began (revision 1).",
        "“Task of Ask” was done: a mail went to ada@example.org, subject “How did we do?”.",
        f"The Customer answered the Survey “CSAT” (Response {response_id}).",
        "The Workflow “Post” looked at it and began (revision 1).",
        PUT_ON_THE_TIMELINE,
    ]
    assert "How happy are you with the help you got? “5 (Very happy)”" in details(story)
    assert "and the answer is on the Timeline in Gladly" in story.answer
    assert (story.customer.name, story.customer.email) == ("Ada Lovelace", "ada@example.org")
    assert story.upcoming == ("Nothing more will happen by itself.",)
    assert [sentence.at for sentence in story.sentences] == sorted(one.at for one in story.sentences)


async def test_a_changed_answer_is_told_at_its_change_whatever_was_asked_for(way: Any) -> None:
    await way.close()
    await way.go()
    response_id = await way.answer({"QID1": 2})
    await way.change({"QID1": 5, "QID2_TEXT": "Mended"})
    await way.go()
    for asked in ("conv1", response_id):
        story = await way.story(asked)
        told = {
            sentence.words: sentence.details for sentence in story.sentences if response_id in sentence.words
        }
        assert list(told) == [
            f"The Customer answered the Survey “CSAT” (Response {response_id}).",
            f"The answer was changed that was given to the Survey “CSAT” (Response {response_id}). {NOT_TICKED}",
        ]
        first, changed = told.values()
        assert first == ()
        assert "What is the main reason for your score? “Mended”" in changed


async def test_as_data_it_holds_events_runs_tasks_invitations_and_responses(way: Any) -> None:
    await way.close()
    await way.go()
    response_id = await way.answer()
    await way.go()
    explanation = await way.explain("conv1")
    (story,) = msgspec.json.decode(msgspec.json.encode(explanation), type=Explanation).stories
    assert [event.type for event in story.events] == ["CONVERSATION/CLOSED", "JSON Event", "Survey Response"]
    assert [run.workflow for event in story.events for run in event.runs] == ["Tell", "Ask", "Post"]
    task = story.events[1].runs[0].tasks[0]
    assert (task.type, task.status, task.attempts[0].sent["to"]) == ("asker", "succeeded", "ada@example.org")
    (invitation,) = story.invitations
    assert (invitation.id, invitation.run_id) == (way.invitations[0], story.events[1].runs[0].id)
    assert invitation.sent_at is not None
    assert (invitation.response_id, story.responses[0].id) == (response_id, response_id)


async def test_it_is_found_by_whatever_somebody_may_know(way: Any) -> None:
    await way.close("other", customer="cust2")
    await way.go()
    way.email = "Bea@Example.org"
    await way.close()
    await way.go()
    response_id = await way.answer()
    invitation_id = way.invitations[-1]
    run_id = await way.database.pool.fetchval("SELECT max(id) FROM run")
    event_id = await way.database.pool.fetchval("SELECT max(id) FROM event WHERE type = 'JSON Event'")
    for asked, kind in [
        ("conv1", "conversation"),
        ("cust1", "customer"),
        ("bea@example.org", "email"),
        ("  BEA@EXAMPLE.ORG ", "email"),
        (response_id, "response"),
        (invitation_id, "invitation"),
        (f"<{invitation_id}@x.org>", "invitation"),
        (f"{invitation_id}@x.org", "invitation"),
        (str(run_id), "run"),
        (f"run {run_id}", "run"),
        (f"Event #{event_id}", "event"),
    ]:
        explanation = await way.explain(asked)
        assert explanation.kind == kind, asked
        assert [story.conversation_id for story in explanation.stories] == ["conv1"], asked


@pytest.mark.parametrize(
    "asked",
    [
        "",
        " ",
        "nobody@example.org",
        "R_none",
        "EMD_none",
        "<EMD_none@x>",
        "conv9",
        "7",
        "event 7",
        "\x00",
        "x" * 999,
    ],
)
async def test_what_was_never_heard_of_is_said_with_what_to_do(way: Any, asked: str) -> None:
    explanation = await way.explain(asked)
    assert (explanation.kind, explanation.stories) == ("nothing", ())
    assert "No event at all has arrived yet." in explanation.advice
    if "@" not in asked:
        assert any("check the webhook" in advice for advice in explanation.advice)


async def test_of_a_response_that_was_imported_it_is_said_that_nobody_was_asked(way: Any) -> None:
    await way.database.pool.execute(
        "INSERT INTO response (id, survey_id, kind, embedded_data) VALUES ('R_old', $1, 'imported', $2)",
        way.survey_id,
        '{"ConversationId": "conv-old", "CustomerId": "cust-old"}',
    )
    for asked in ("R_old", "conv-old", "cust-old"):
        explanation = await way.explain(asked)
        assert (explanation.kind, explanation.stories) == ("nothing", ()), asked
        assert explanation.advice == (
            "A Response about it was imported. Afterword asked nobody about it, and told nobody.",
        )


async def test_the_newest_event_is_named_when_nothing_was_found(way: Any) -> None:
    await way.close()
    explanation = await way.explain("conv9")
    assert any(advice.startswith("The newest event of any kind came") for advice in explanation.advice)


async def test_a_closing_that_never_came_is_explained_by_a_webhook_that_did_not_work(way: Any) -> None:
    await way.database.pool.execute(
        "INSERT INTO connected_account (id, kind, name, secrets) VALUES ('GA_9', 'gladly', 'Acme', '')"
    )
    await way.database.pool.execute(
        "INSERT INTO gladly_webhook (account_id, state, reason_code, reason_words, since) "
        "VALUES ('GA_9', 'off', 'webhook-switched-off', 'it was switched off in Gladly', '2026-11-25 10:00Z')"
    )
    await way.database.pool.execute(
        "INSERT INTO event_gap (origin, since, until, reason_code, reason_words, state) VALUES "
        "('gladly/GA_9', now() - interval '3 hours', now() - interval '1 hour', 'webhook-deleted', "
        "'it was deleted in Gladly', 'open'), "
        "('gladly/GA_9', now() - interval '60 days', now() - interval '50 days', 'webhook-deleted', 'old', 'open')"
    )
    advice = (await way.explain("conv9")).advice
    assert (
        "The webhook of the Gladly account “Acme” does not work since 25 Nov 2026, 10:00:00 UTC: "
        "it was switched off in Gladly."
    ) in advice
    (gap,) = [one for one in advice if "may not have been told" in one]
    assert gap.startswith("From ")
    assert gap.endswith("it was deleted in Gladly. It is not backfilled yet.")


async def test_several_conversations_are_told_newest_first_and_cut_at_the_limit(way: Any) -> None:
    for number in range(4):
        await way.close(f"conv{number}")
        await way.go()
    explanation = await way.explain("ada@example.org", limit=3)
    assert [story.conversation_id for story in explanation.stories] == ["conv3", "conv2", "conv1"]
    assert explanation.more
    assert not (await way.explain("cust1")).more


async def test_conditions_that_did_not_hold_are_told_with_the_values_that_decided(way: Any) -> None:
    conditions = Group(
        "all",
        (
            Comparison("~{aedj://inboxId}", "is one of", values=("inbox2", "inbox3")),
            Comparison("~{aedj://agentId}", "is not empty"),
        ),
    )
    await way.workflow("Only some", ConversationClosed("GA_2"), "teller", "OC_some", conditions=conditions)
    await way.close(account="GA_2")
    await way.go()
    story = await way.story("conv1")
    assert "The Workflow “Only some” looked at it and did nothing: its conditions did not hold." in words(
        story
    )
    assert "“inboxId” was “inbox1” and had to be one of “inbox2” or “inbox3”." in details(story)
    assert "agentId" not in details(story)
    assert story.answer == "The Customer was not asked: the conditions of the workflow did not hold."


async def test_an_event_that_no_workflow_is_on_for_tells_which_were_off(way: Any) -> None:
    await way.database.pool.execute("UPDATE workflow SET is_on = false WHERE id = 'OC_tells'")
    await way.close()
    await way.go()
    story = await way.story("conv1")
    assert "It started nothing:" in words(story)
    assert "The Workflow “Tell” did not start: it is off." in details(story)
    assert story.answer.startswith("The Customer was not asked: ")
    await way.database.pool.execute("UPDATE workflow SET is_on = true")
    assert "it was off when the event came; it is on now" in details(await way.story("conv1"))


async def test_workflows_of_another_account_are_told_and_those_of_other_events_are_not(way: Any) -> None:
    for number in range(5):
        await way.workflow(f"Other {number}", ConversationClosed("GA_9"), "teller", f"OC_other{number}")
    await way.database.pool.execute("UPDATE workflow_revision SET created_at = '2026-01-01'")
    await way.close()
    await way.go()
    told = details(await way.story("conv1"))
    assert (
        "The Workflows “Other 0”, “Other 1”, “Other 2” and 2 more did not start: it starts with Conversations of "
        "another account, “GA_9”." in told
    )
    assert "“Post” did not" not in told
    assert "“Ask” did not" not in told


async def test_a_workflow_that_was_made_later_is_told_as_such(way: Any) -> None:
    await way.close(account="GA_7")
    await way.go()
    await way.workflow("Late", ConversationClosed("GA_7"), "teller", "OC_late")
    assert "The Workflow “Late” did not start: it was made only later." in details(await way.story("conv1"))


async def test_a_workflow_that_started_with_something_else_at_the_time_is_judged_by_what_it_said_then(
    way: Any,
) -> None:
    await way.close(account="GA_8")
    await way.go()
    await way.workflow("Changed", ConversationClosed("GA_5"), "teller", "OC_changed")
    await way.database.pool.execute(
        "UPDATE workflow_revision SET created_at = '2026-01-01' WHERE workflow_id = 'OC_changed'; "
        "INSERT INTO workflow_revision (workflow_id, number, definition) SELECT workflow_id, 2, "
        "jsonb_set(definition, '{event,account}', '\"GA_8\"') FROM workflow_revision WHERE workflow_id = 'OC_changed';"
        "UPDATE workflow SET current_revision = 2 WHERE id = 'OC_changed'"
    )
    assert "another account, “GA_5”" in details(await way.story("conv1"))


async def test_redeliveries_are_told_together(way: Any) -> None:
    at = "2026-11-23T12:00:00+00:00"
    for _ in range(4):
        await way.close(at=at)
    await way.go()
    story = await way.story("conv1")
    repeats = [sentence for sentence in story.sentences if "Nothing was done twice" in sentence.words]
    assert len(repeats) == 1
    assert "came 3 times more" in repeats[0].words
    assert "Afterword was told" in words(story)  # long after it happened


async def test_a_json_event_that_was_sent_on_and_started_nothing_is_found_with_its_reason(way: Any) -> None:
    await way.database.pool.execute("UPDATE workflow SET is_on = false WHERE id = 'OC_asks'")
    await way.close()
    await way.go()
    story = await way.story("conv1")
    assert [event.type for event in story.events] == ["CONVERSATION/CLOSED", "JSON Event"]
    assert "The Workflow “Ask” did not start: it is off." in details(story)
    assert story.answer.startswith("The Customer was not asked: the event that was sent on started nothing")


async def test_what_was_told_to_somebody_elses_qualtrics_is_said_to_be_out_of_sight(way: Any) -> None:
    way.is_ours = False
    await way.close()
    await way.go()
    story = await way.story("ada@example.org")
    assert "what others did then cannot be seen here" in story.answer


async def test_a_skipped_task_is_the_reason_why_nobody_was_asked(way: Any) -> None:
    way.asker.trouble = [Skip(Reason("contact-opted-out", "the contact asked not to be written to"))]
    await way.close()
    await way.go()
    story = await way.story("ada@example.org")
    assert story.answer == "The Customer was not asked: the contact asked not to be written to."
    assert "“Task of Ask” was skipped: the contact asked not to be written to." in words(story)
    assert story.upcoming == ("Nothing more will happen by itself.",)


async def test_a_failed_run_is_told_with_how_to_go_on(way: Any) -> None:
    way.teller.trouble = [Permanent(Reason("gladly-not-found", "Gladly has no such customer"))]
    await way.close()
    await way.go()
    story = await way.story("conv1")
    assert (story.answer, story.tone) == ("The Customer was not asked: Gladly has no such customer.", "bad")
    assert "“Task of Tell” failed: Gladly has no such customer." in words(story)
    assert "does not go on by itself" in next_words(story)


async def test_a_run_that_is_tried_again_tells_the_attempt_and_its_time(way: Any) -> None:
    way.teller.trouble = [Retry(AWAY), Retry(AWAY)]
    await way.close()
    await way.go()
    run = await way.database.pool.fetchrow("SELECT due_at FROM run")
    story = await way.story("conv1")
    assert "Attempts 1 to 2 of “Task of Tell” did not succeed: Gladly answered 503." in words(story)
    assert "attempt 3 of 10 at “Task of Tell” (Gladly answered 503)" in next_words(story)
    assert f"{run['due_at']:%-d %b %Y, %H:%M:%S} UTC" in next_words(story)
    assert story.tone == "busy"


async def test_a_run_that_is_held_tells_what_it_waits_for(way: Any) -> None:
    refused = Reason("gladly-wrong-credentials", "Gladly refused the token")
    way.teller.trouble = [Retry(refused, waiting_for="account/GA_1")]
    await way.close()
    await way.go()
    told = next_words(await way.story("conv1"))
    assert "until the connected account “GA_1” can be used again" in told
    assert "Gladly refused the token" in told


async def test_a_run_of_a_workflow_that_was_turned_off_meanwhile_waits_for_it(way: Any) -> None:
    way.teller.trouble = [Retry(AWAY, tried=False, after=0.0)]
    await way.close()
    await way.go()
    await way.database.pool.execute("UPDATE workflow SET is_on = false; UPDATE run SET due_at = now()")
    await way.go()
    assert "until the Workflow “Tell” is turned on" in next_words(await way.story("conv1"))


async def test_a_survey_that_is_to_be_sent_later_is_told_with_its_time(way: Any) -> None:
    way.delay_seconds = 3600.0
    await way.close()
    await way.go()
    story = await way.story("conv1")
    assert story.answer == "The Customer was not asked yet: the survey is to be sent later."
    assert story.invitations[0].sent_at is None
    assert f"{story.invitations[0].send_at:%-d %b %Y}" in next_words(story)


async def test_an_invitation_without_an_answer_tells_what_an_answer_would_start(way: Any) -> None:
    await way.close()
    await way.go()
    story = await way.story("conv1")
    assert "and has not answered so far" in story.answer
    assert "If the Customer answers the Survey “CSAT”, then “Post” will start." in next_words(story)
    await way.database.pool.execute("UPDATE workflow SET is_on = false WHERE id = 'OC_posts'")
    assert "nothing will be done with the answer" in next_words(await way.story("conv1"))
    await way.database.pool.execute("UPDATE invitation SET expires_at = now() - interval '1 day'")
    assert "it can no longer be answered" in next_words(await way.story("conv1"))


async def test_an_answer_that_started_nothing_is_a_warning(way: Any) -> None:
    await way.close()
    await way.go()
    await way.database.pool.execute("UPDATE workflow SET is_on = false WHERE id = 'OC_posts'")
    await way.answer()
    await way.go()
    story = await way.story("conv1")
    assert story.tone == "warn"
    assert "no Workflow did anything with the answer" in story.answer


async def test_a_response_of_a_kind_that_is_not_ticked_is_told_with_the_boxes(way: Any) -> None:
    await way.close()
    await way.go()
    response_id = await way.answer()
    await way.database.pool.execute(
        "UPDATE event SET type = type || ': partial' WHERE type = 'Survey Response'"
    )
    await way.go()
    story = await way.story(response_id)
    assert "A Response came, “partial”, to the Survey “CSAT”" in words(story)
    assert "the Response was “partial”, and of its boxes “created” is ticked" in details(story)


async def test_an_opt_out_after_the_mail_is_told_at_its_time(way: Any) -> None:
    await way.close()
    await way.go()
    await way.database.pool.execute("UPDATE contact SET opted_out_at = now()")
    assert "The Customer asked not to be written to any more." in words(await way.story("conv1"))


async def test_an_event_in_the_inbox_waits_for_a_worker(way: Any) -> None:
    event_id = await way.close()
    story = await way.story("conv1")
    assert "No worker has looked at it yet." in words(story)
    assert story.upcoming == (f"Event {event_id} waits in the inbox until a worker looks at it.",)


async def test_an_event_without_a_conversation_is_a_story_of_its_own(way: Any) -> None:
    event_id = await way.database.pool.fetchval(
        "INSERT INTO event (origin, type, body) VALUES ('json-event/OC_asks', 'JSON Event', '{}') RETURNING id"
    )
    way.asker.trouble = [Skip(Reason("contact-has-no-email", "the contact has no email address"))]
    await way.go()
    story = await way.story(f"event {event_id}")
    assert story.conversation_id is None
    assert "the contact has no email address" in story.answer


async def test_a_deleted_workflow_leaves_its_part_of_the_story(way: Any) -> None:
    await way.close()
    await way.go()
    await way.database.pool.execute("DELETE FROM workflow")
    story = await way.story("conv1")
    assert "The Workflow “Deleted Workflow” looked at it and began (revision 1)." in words(story)
    assert "“Task 1” was done" in words(story)


async def test_without_personal_data_no_name_address_value_or_answer_is_told(way: Any) -> None:
    conditions = Group("all", (Comparison("~{aedj://customerId}", "equals", "somebody else"),))
    await way.workflow("Choosy", ConversationClosed("GA_1"), "teller", "OC_choosy", conditions=conditions)
    await way.close()
    await way.go()
    response_id = await way.answer({"QID1": 1, "QID2_TEXT": "a secret of mine"})
    await way.go()
    explanation = await way.explain("ada@example.org", personal=False)
    told = msgspec.json.encode(explanation.stories).decode().replace(response_id, "")
    for secret in (
        "Ada",
        "Lovelace",
        "ada@",
        "a secret of mine",
        "Very unhappy",
        "CSAT Score",
        '"found":"cust1"',
    ):
        assert secret not in told
    assert explanation.stories[0].conversation_id == "conv1"
    assert "a mail went to (hidden)" in told


async def test_the_number_of_queries_does_not_grow_with_what_there_is_to_tell(way: Any) -> None:
    queries: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        queries.append(statement)

    async def asked() -> int:
        queries.clear()
        await way.explain("cust1")
        return len(queries)

    await way.close("conv0")
    await way.go()
    await way.answer()
    await way.go()
    sqlalchemy_event.listen(way.database.engine.sync_engine, "before_cursor_execute", note)
    few = await asked()
    for number in range(1, 6):
        await way.close(f"conv{number}")
        await way.go()
        await way.answer()
        await way.go()
    assert await asked() == few
    assert few < 40


async def test_a_very_long_story_is_cut_and_says_so(way: Any) -> None:
    await way.database.pool.execute(
        "INSERT INTO event (origin, type, body, occurred_at, conversation_id, status, reason_code, reason_words) "
        "SELECT 'gladly/GA_1', 'CONVERSATION/REOPENED', '{}', now(), 'conv1', 'ignored', 'reopening-noted', 'noted' "
        "FROM generate_series(1, 600)"
    )
    story = await way.story("conv1")
    assert story.is_cut
    assert len(story.sentences) == 400


async def test_times_are_moments_in_utc(way: Any) -> None:
    await way.close()
    story = await way.story("conv1")
    assert abs(story.last_at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_a_response_that_came_without_an_invitation_is_found_by_its_id(way: Any) -> None:
    await way.workflow("Real", SurveyResponse("SV_real", "QA_1"), "poster", "OC_real")
    await way.database.pool.execute(
        "INSERT INTO event (origin, type, body, deduplication_key, status, reason_code, reason_words) "
        "VALUES ('qualtrics/QA_1/SV_real', 'Survey Response', '{}', 'R_real', 'ignored', 'workflow-was-off', "
        "'the workflow is off')"
    )
    story = await way.story("R_real")
    assert "(Response R_real)" in words(story)
    assert story.conversation_id is None


async def test_what_sending_is_held_for_is_told_with_what_comes_next(way: Any) -> None:
    pool = way.database.pool
    await way.close()
    await way.go()
    for waiting_for, comes in (
        ("sending", "until sending is resumed"),
        ("sending/OC_asks", "until somebody lets the held invitations of its Workflow go, or cancels them"),
    ):
        await pool.execute(
            "UPDATE run SET status = 'waiting', waiting_for = $1, held_since = now(), due_at = NULL, "
            "finished_at = NULL, reason_words = 'it is held' WHERE workflow_id = 'OC_asks'",
            waiting_for,
        )
        assert comes in next_words(await way.story("conv1"))


async def test_an_invitation_that_a_reopening_cancelled_is_told_as_such(way: Any) -> None:
    await way.close()
    await way.go()
    await way.database.pool.execute(
        "UPDATE invitation SET conversation_id = 'conv1', when_reopened = 'cancel-if-not-answered'"
    )
    assert "If the Customer answers" in next_words(await way.story("conv1"))
    await way.database.pool.execute(
        "INSERT INTO event (origin, type, body, occurred_at, conversation_id, status) SELECT origin, "
        "'CONVERSATION/REOPENED', replace(body, 'CLOSED', 'REOPENED'), now() + interval '1 min', conversation_id, "
        "'ignored' FROM event WHERE type = 'CONVERSATION/CLOSED'"
    )
    story = await way.story("conv1")
    assert "This cancelled the Survey “CSAT”, which was not answered yet." in words(story)
    assert "can no longer be answered, as the Conversation was opened again" in next_words(story)
    assert "which cancelled the invitation" in story.answer
    await way.answer()
    await way.go()
    assert "cancelled" not in (await way.story("conv1")).answer
