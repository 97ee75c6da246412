"""The ledger of those asked: a customer is kept for one call, whoever else decides at that moment, and given back."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from tests.eligibility.conftest import NOW

from afterword.eligibility.deciding import Decider
from afterword.eligibility.facts import Closing, Facts
from afterword.eligibility.ledger import Ledger, forget_old
from afterword.eligibility.settings import Eligibility
from afterword.gladly.finding import GladlyNames
from afterword.gladly.models import CustomerProfile
from afterword.outcomes import Permanent, Reason, Retry, Skip
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey

BAD = Reason("qualtrics-bad-event", "it is bad")
LOST = Reason("qualtrics-timed-out", "no answer")
ONCE = Eligibility(once_in_days=30)


def decider(
    database: Database | Ledger,
    key: str,
    *,
    wanted: Eligibility = ONCE,
    customer: str = "c1",
    merged_into: str = "",
    conversation: str = "",
    closed_at: datetime = NOW,
    run_id: int | None = None,
    account: str = "GA_1",
) -> Decider:
    """Who decides about a closing; Gladly is never asked here."""
    closing = Closing(
        key=key,
        account_id=account,
        customer_id=customer,
        conversation_id=conversation or f"conversation of {key}",
        workflow_id="OC_1",
        closed_at=closed_at,
        run_id=run_id,
    )
    now = datetime.now(NOW.tzinfo)
    facts = Facts(closing=closing, now=now, profile=CustomerProfile(merged_into or customer))
    gladly: Any = None
    ledger = database if isinstance(database, Ledger) else Ledger(database)
    return Decider(ledger, gladly, GladlyNames(), wanted, facts)


async def ask(who: Decider, outcome: Exception | None = None) -> str:
    """Ask, and end so; answers how it ended."""
    try:
        async with who.customer_kept():
            if outcome is not None:
                raise outcome
    except (Skip, Permanent, Retry) as ended:
        return ended.reason.code
    return "asked"


async def states(database: Database) -> dict[str, str]:
    return {row["key"]: row["state"] for row in await database.pool.fetch("SELECT key, state FROM asked")}


async def add_run(database: Database, status: str) -> int:
    run_id: int = await database.pool.fetchval(
        "INSERT INTO run (workflow_id, revision, event_id, status) "
        "VALUES ('OC_1', 1, (SELECT coalesce(max(event_id), 0) + 1 FROM run), $1) RETURNING id",
        status,
    )
    return run_id


async def test_of_many_who_decide_at_once_one_asks_and_the_others_see_it(database: Database) -> None:
    ended = await asyncio.gather(*(ask(decider(database, f"run{number}")) for number in range(8)))
    assert sorted(ended) == ["asked"] + ["asked-lately"] * 7
    assert list((await states(database)).values()) == ["asked"]


async def test_of_many_of_one_process_who_decide_at_once_one_of_each_customer_asks(
    database: Database,
) -> None:
    ledger = Ledger(database)
    wanted = [decider(ledger, f"run{number}", customer=f"c{number % 3}") for number in range(12)]
    ended = await asyncio.gather(*map(ask, wanted))
    assert ended == ["asked"] * 3 + ["asked-lately"] * 9


async def test_who_cannot_be_written_down_is_alone_with_it(database: Database) -> None:
    ledger = Ledger(database)
    odd = decider(ledger, "odd", customer="c\0")
    ended = await asyncio.gather(
        *(ask(decider(ledger, f"run{number}", customer=f"c{number}")) for number in range(5)),
        ask(odd),
        return_exceptions=True,
    )
    assert ended[:-1] == ["asked"] * 5
    assert isinstance(ended[-1], asyncpg.DataError)


async def test_other_customers_and_other_accounts_are_asked_all_the_same(database: Database) -> None:
    assert await ask(decider(database, "one")) == "asked"
    assert await ask(decider(database, "two", customer="c2")) == "asked"
    assert await ask(decider(database, "three", account="GA_2")) == "asked"
    assert await ask(decider(database, "four", wanted=Eligibility())) == "asked"
    assert await ask(decider(database, "five")) == "asked-lately"


async def test_the_same_call_again_is_not_held_against_itself(database: Database) -> None:
    for outcome in (Retry(LOST, outcome_unknown=True), Retry(BAD), None, None):
        assert await ask(decider(database, "one"), outcome) in {
            "asked",
            "qualtrics-timed-out",
            "qualtrics-bad-event",
        }
    assert await states(database) == {"one": "asked"}


async def test_a_customer_is_kept_while_the_run_goes_on_and_given_back_when_it_fails(
    database: Database,
) -> None:
    run_id = await add_run(database, "waiting")
    assert await ask(decider(database, "one", run_id=run_id), Retry(BAD)) == "qualtrics-bad-event"
    assert await states(database) == {"one": "not asked"}
    assert await ask(decider(database, "two")) == "asked-lately"
    await database.pool.execute("UPDATE run SET status = 'failed' WHERE id = $1", run_id)
    assert await ask(decider(database, "two")) == "asked"
    assert await ask(decider(database, "one", run_id=run_id)) == "asked-lately"


@pytest.mark.parametrize("status", ["failed", "cancelled", "skipped"])
async def test_whatever_ends_the_run_gives_the_customer_back(database: Database, status: str) -> None:
    run_id = await add_run(database, status)
    assert await ask(decider(database, "one", run_id=run_id), Permanent(BAD)) == "qualtrics-bad-event"
    assert await ask(decider(database, "two")) == "asked"


async def test_a_call_whose_outcome_nobody_knows_counts_as_asked(database: Database) -> None:
    run_id = await add_run(database, "failed")
    assert await ask(decider(database, "one", run_id=run_id), Retry(LOST, outcome_unknown=True)) == LOST.code
    assert await ask(decider(database, "one", run_id=run_id), Permanent(BAD)) == BAD.code
    assert await states(database) == {"one": "asking"}
    assert await ask(decider(database, "two")) == "asked-lately"


async def test_a_customer_who_was_merged_is_known_by_both_ids(database: Database) -> None:
    assert await ask(decider(database, "one", customer="old", merged_into="new")) == "asked"
    assert await ask(decider(database, "two", customer="new")) == "asked-lately"
    assert await ask(decider(database, "three", customer="old", merged_into="new")) == "asked-lately"


async def test_two_closings_of_one_case_at_two_workers_are_asked_about_once(database: Database) -> None:
    wanted = Eligibility()
    closings = [NOW - timedelta(hours=20), NOW]
    for moment in closings:
        await add_closing(database, "conversation", moment)
    ended = await asyncio.gather(
        *(
            ask(decider(database, f"run{n}", wanted=wanted, conversation="conversation", closed_at=moment))
            for n, moment in enumerate(closings)
        )
    )
    assert sorted(ended) == ["asked", "same-case"]


async def test_closings_in_between_carry_the_case_on_though_nobody_was_asked_about_them(
    database: Database,
) -> None:
    for hours in (40, 20, 0):
        await add_closing(database, "conversation", NOW - timedelta(hours=hours))
    wanted, conversation = Eligibility(), "conversation"
    first = decider(
        database, "one", wanted=wanted, conversation=conversation, closed_at=NOW - timedelta(hours=40)
    )
    assert await ask(first) == "asked"
    assert await ask(decider(database, "two", wanted=wanted, conversation=conversation)) == "same-case"
    await database.pool.execute("DELETE FROM event WHERE occurred_at = $1", NOW - timedelta(hours=20))
    assert await ask(decider(database, "two", wanted=wanted, conversation=conversation)) == "asked"


async def test_a_closing_that_repeats_another_carries_nothing_on(database: Database) -> None:
    await add_closing(database, "conversation", NOW - timedelta(hours=40))
    await add_closing(database, "conversation", NOW - timedelta(hours=20), status="redelivered")
    wanted, conversation = Eligibility(), "conversation"
    first = decider(
        database, "one", wanted=wanted, conversation=conversation, closed_at=NOW - timedelta(hours=40)
    )
    assert await ask(first) == "asked"
    assert await ask(decider(database, "two", wanted=wanted, conversation=conversation)) == "asked"


@pytest.mark.parametrize(
    ("when_reopened", "is_sent", "is_answered", "ended"),
    [
        ("keep", True, False, "same-case"),
        ("cancel-if-not-sent", False, False, "asked"),
        ("cancel-if-not-sent", True, False, "same-case"),
        ("cancel-if-not-answered", True, False, "asked"),
        ("cancel-if-not-answered", True, True, "same-case"),
    ],
)
async def test_an_invitation_that_the_reopening_cancelled_does_not_count_as_asked(
    database: Database, when_reopened: str, is_sent: bool, is_answered: bool, ended: str
) -> None:
    wanted, first = Eligibility(), NOW - timedelta(hours=3)
    conversation = "conversation"
    before = decider(database, "one", wanted=wanted, conversation=conversation, closed_at=first)
    assert await ask(before) == "asked"
    await add_invitation(
        database, conversation, first, when_reopened, is_sent=is_sent, is_answered=is_answered
    )
    assert await ask(decider(database, "two", wanted=wanted, conversation=conversation)) == "same-case"
    await add_closing(database, conversation, NOW - timedelta(hours=1), type_="CONVERSATION/REOPENED")
    assert await ask(decider(database, "two", wanted=wanted, conversation=conversation)) == ended


async def add_invitation(
    database: Database,
    conversation: str,
    closed_at: datetime,
    when_reopened: str,
    *,
    is_sent: bool,
    is_answered: bool,
) -> None:
    async with database.transaction() as connection:
        survey = await add_survey(connection, name="CSAT", definition=csat_survey())
    await database.pool.execute(
        "INSERT INTO contact (id, email, first_name, last_name) VALUES ('CID_1', 'a@b.example', '', '')"
    )
    await database.pool.execute(
        "INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, last_name, "
        "from_name, subject, message, send_at, sent_at, conversation_id, when_reopened, closed_at) VALUES "
        "('EMD_1', $1, 'CID_1', 'CG_1', 't', 'a@b.example', '', '', '', '', '', now(), $2, $3, $4, $5)",
        survey,
        NOW if is_sent else None,
        conversation,
        when_reopened,
        closed_at,
    )
    if is_answered:
        await database.pool.execute(
            "INSERT INTO response (id, survey_id, invitation_id) VALUES ('R_1', $1, 'EMD_1')", survey
        )


async def test_what_is_very_old_is_forgotten(database: Database) -> None:
    assert await ask(decider(database, "old")) == "asked"
    await database.pool.execute("UPDATE asked SET asked_at = now() - interval '401 days'")
    assert await ask(decider(database, "new")) == "asked"
    await forget_old(database)
    assert list(await states(database)) == ["new"]


async def add_closing(
    database: Database,
    conversation: str,
    moment: datetime,
    status: str = "matched",
    type_: str = "CONVERSATION/CLOSED",
) -> None:
    await database.pool.execute(
        "INSERT INTO event (origin, type, body, conversation_id, occurred_at, status) "
        "VALUES ('gladly/GA_1', $4, '{}', $1, $2, $3)",
        conversation,
        moment,
        status,
        type_,
    )
