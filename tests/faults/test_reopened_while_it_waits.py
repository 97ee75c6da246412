"""A customer writes again while the survey waits for its time: it is not sent, and nobody has to wait to see that."""

from tests.conftest import Eventually
from tests.faults.conftest import Installation

from afterword.directory.contacts import add_mailing_list
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.workflows.definitions import Task

HOUR = 3600


async def ask_later(installation: Installation, when_reopened: str) -> None:
    """A workflow that asks an hour after the closing, and closings of two conversations."""
    async with installation.database.transaction() as connection:
        survey = await add_survey(connection, name="CSAT", definition=csat_survey())
        asked = await add_mailing_list(connection, name="Asked")
    await installation.workflow(
        Task(
            "T-1",
            "distribute-survey",
            "Ask",
            {
                "first_name": "Ada",
                "last_name": "Lovelace",
                "email": "~{aedj://email}",
                "mailing_list": asked,
                "survey": survey,
                "delay_seconds": HOUR,
                "when_reopened": when_reopened,
            },
        ),
        fields=("email", "conversationId"),
    )
    people = installation.people(2)
    await installation.events(
        [{"email": address, "conversationId": f"conv{n}"} for n, address in enumerate(people)]
    )


async def reopen(installation: Installation, conversation: str) -> None:
    """Gladly tells that the conversation was reopened."""
    await installation.database.pool.execute(
        "INSERT INTO connected_account (id, kind, name, secrets) VALUES ('GA_1', 'gladly', 'Acme', '')"
    )
    await installation.database.pool.execute(
        "INSERT INTO event (origin, type, body, conversation_id, occurred_at) "
        "VALUES ('gladly/GA_1', 'CONVERSATION/REOPENED', '{}', $1, now() + interval '1 second')",
        conversation,
    )


async def test_who_wrote_again_is_not_asked_and_the_others_are_still_to_be(
    installation: Installation, eventually: Eventually
) -> None:
    await ask_later(installation, "cancel-if-not-sent")

    async def both_wait() -> bool:
        return await installation.statuses() == {"waiting survey-scheduled": 2}

    async def one_is_skipped() -> bool:
        return await installation.statuses() == {
            "skipped conversation-reopened": 1,
            "waiting survey-scheduled": 1,
        }

    async with installation.worker_here():
        await eventually(both_wait)
        await reopen(installation, "conv0")
        await eventually(one_is_skipped)
    assert installation.mails() == []


async def test_kept_it_waits_on_and_is_asked(installation: Installation, eventually: Eventually) -> None:
    await ask_later(installation, "keep")

    async def both_wait() -> bool:
        return await installation.statuses() == {"waiting survey-scheduled": 2}

    async def is_noted() -> bool:
        return bool(
            await installation.database.pool.fetchval(
                "SELECT EXISTS (SELECT FROM event WHERE reason_code = 'reopening-noted')"
            )
        )

    async with installation.worker_here():
        await eventually(both_wait)
        await reopen(installation, "conv0")
        await eventually(is_noted)
        assert await both_wait()
