"""Accounts that are down or refuse their token: what is called then, what is held, and how it comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio
import sqlalchemy

from afterword.accounts.availability import AccountWatch, Availability
from afterword.accounts.gladly_accounts import GladlyAccount, add_gladly
from afterword.accounts.secrets import SecretBox
from afterword.accounts.standing import Policy
from afterword.accounts.standing_store import credentials_of
from afterword.alerts.recording import list_alerts
from afterword.gladly.errors import (
    GladlyMissingPermission,
    GladlyNotFound,
    GladlyRateLimited,
    GladlyTimedOut,
    GladlyUnavailable,
    GladlyWrongCredentials,
    Told,
)
from afterword.outcomes import Outcome, Permanent, Reason, Retry
from afterword.outgoing.watching import watched
from afterword.store.database import Database

CALL, OTHER = "POST /items", "GET /agents"
DOWN = GladlyUnavailable(Told(call=CALL, status=503))
LOST = GladlyTimedOut(Told(call=CALL))
REFUSED = GladlyWrongCredentials(Told(call=CALL, status=401))
NOT_PERMITTED = GladlyMissingPermission(Told(call=CALL, status=403))
SLOWLY = Policy(
    failures=3, spread=0.0, first_probe=3600.0, longest_pause_down=3600.0, longest_pause_refused=3600.0
)
"""Opens at the third failure; no probe is due while a test lasts, unless the test makes it so."""

Make = Callable[..., Awaitable[AccountWatch]]


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def account(database: Database, box: SecretBox) -> GladlyAccount:
    async with database.transaction() as connection:
        return await add_gladly(
            connection,
            box,
            name="Support",
            base_url="https://acme.gladly.com",
            username="api",
            api_token="token",
        )


@pytest.fixture
def make_watch(database: Database, account: GladlyAccount) -> Make:
    """A watch as another process would have it: with an Availability of its own."""

    async def make(policy: Policy = SLOWLY, clock: Clock | None = None) -> AccountWatch:
        options = {} if clock is None else {"monotonic": clock}
        availability = Availability(database, policy=policy, **options)
        async with database.transaction() as connection:
            credentials = await credentials_of(connection, account.id)
        return availability.watch(account.id, credentials)

    return make


async def call(watch: AccountWatch, answer: Outcome | None = None, name: str = CALL) -> Outcome | None:
    """Make a call that ends so; answers how it ended for who made it."""

    async def make() -> None:
        if answer is not None:
            raise answer

    try:
        await watched(watch, name, make)
    except Outcome as error:
        return error
    return None


def held(error: Outcome | None) -> str | None:
    """What the call is held for; ``None`` when it ended otherwise."""
    if not isinstance(error, Retry) or error.waiting_for is None:
        return None
    assert not error.tried
    return error.waiting_for


async def make_probe_due(database: Database) -> None:
    await database.pool.execute("UPDATE account_availability SET next_probe_at = now() - interval '1 second'")


async def give_other_credentials(database: Database) -> None:
    await database.pool.execute("UPDATE connected_account SET secrets = 'another'")


async def state(database: Database) -> list[tuple[str, str]]:
    rows = await database.pool.fetch("SELECT call, state FROM account_availability ORDER BY call")
    return [(row["call"], row["state"]) for row in rows]


async def kinds_of_alerts(database: Database) -> list[str]:
    async with database.pool.acquire() as connection:
        return [alert.kind for alert in reversed(await list_alerts(connection))]


async def test_failures_in_a_row_open_the_breaker_and_the_one_that_opens_it_is_held(
    make_watch: Make, account: GladlyAccount
) -> None:
    watch = await make_watch()
    assert [held(await call(watch, DOWN)) for _ in range(2)] == [None, None]
    assert held(await call(watch, DOWN)) == f"account/{account.id}"
    assert held(await call(watch)) == f"account/{account.id}"


async def test_an_answer_in_between_begins_the_count_anew(make_watch: Make, database: Database) -> None:
    watch = await make_watch()
    for answer in (DOWN, DOWN, GladlyNotFound(Told(call=CALL, status=404)), DOWN, DOWN, None, DOWN, DOWN):
        assert held(await call(watch, answer)) is None
    assert await state(database) == [("", "failing")]


async def test_the_limit_and_what_is_wrong_with_one_request_say_nothing_of_being_down(
    make_watch: Make, database: Database
) -> None:
    watch = await make_watch()
    for _ in range(5):
        await call(watch, GladlyRateLimited(Told(call=CALL, status=429)))
        await call(watch, Retry(Reason("rate-budget-used-up", "later"), tried=False))
        await call(watch, Permanent(Reason("gladly-moved", "moved")))
    assert await state(database) == []


async def test_calls_that_fail_in_one_moment_do_not_open_it(make_watch: Make, database: Database) -> None:
    watch = await make_watch(Policy(failures=3, spread=2.0))
    await asyncio.gather(*(call(watch, DOWN) for _ in range(20)))
    assert await state(database) == [("", "failing")]
    await database.pool.execute("UPDATE account_availability SET since = since - interval '2 seconds'")
    assert held(await call(watch, DOWN)) is not None


async def test_failures_far_apart_do_not_open_it(make_watch: Make, database: Database) -> None:
    watch = await make_watch()
    for _ in range(5):
        assert held(await call(watch, DOWN)) is None
        await database.pool.execute(
            "UPDATE account_availability SET last_failed_at = now() - interval '11 minutes'"
        )


async def test_one_slow_call_among_others_that_are_answered_does_not_open_it(
    make_watch: Make, database: Database, clock: Clock
) -> None:
    watch = await make_watch(clock=clock)
    await call(watch, None, OTHER)
    for _ in range(10):
        assert held(await call(watch, LOST)) is None
    assert await state(database) == []
    clock.seconds += 31  # nothing else was answered lately: it may be the whole account now
    assert [held(await call(watch, LOST)) is None for _ in range(3)] == [True, True, False]


async def test_when_the_others_fail_too_it_opens_at_once(make_watch: Make) -> None:
    watch = await make_watch()
    await call(watch, None, OTHER)
    await call(watch, DOWN)
    await call(watch, DOWN, OTHER)
    assert [held(await call(watch, DOWN)) is None for _ in range(2)] == [True, False]


async def test_failures_are_counted_by_all_processes_together(
    make_watch: Make, account: GladlyAccount
) -> None:
    watches = [await make_watch() for _ in range(3)]
    errors = [await call(watch, DOWN) for watch in watches]
    assert [held(error) for error in errors] == [None, None, f"account/{account.id}"]


async def test_a_closed_breaker_costs_no_query(make_watch: Make, database: Database, clock: Clock) -> None:
    watch = await make_watch(clock=clock)
    await call(watch)
    await database.pool.execute("ALTER TABLE account_availability RENAME TO away")
    for _ in range(100):
        assert await call(watch) is None
    await database.pool.execute("ALTER TABLE away RENAME TO account_availability")


async def test_another_process_knows_within_a_second(make_watch: Make, clock: Clock) -> None:
    first, second = await make_watch(), await make_watch(clock=clock)
    assert await call(second) is None
    for _ in range(3):
        await call(first, DOWN)
    clock.seconds += 1.0
    assert held(await call(second)) is not None


async def test_one_probe_goes_however_many_ask(make_watch: Make, database: Database) -> None:
    watches = [await make_watch() for _ in range(3)]
    for _ in range(3):
        await call(watches[0], DOWN)
    await make_probe_due(database)
    asked = [await make_watch() for _ in range(3)]
    claims = await asyncio.gather(
        *(watch.before(CALL) for watch in asked for _ in range(10)), return_exceptions=True
    )
    assert [claim for claim in claims if not isinstance(claim, Retry)] == [True]


async def test_a_probe_that_is_answered_closes_it_for_all(make_watch: Make, database: Database) -> None:
    watch = await make_watch()
    for _ in range(3):
        await call(watch, DOWN)
    await make_probe_due(database)
    assert await call(await make_watch()) is None
    assert await state(database) == []
    assert await call(await make_watch()) is None


async def test_a_probe_in_vain_is_held_and_the_next_comes_later_each_time(
    make_watch: Make, database: Database
) -> None:
    watch = await make_watch(Policy(failures=1, spread=0.0))
    await call(watch, DOWN)
    pauses = []
    for _ in range(8):
        pauses.append(
            await database.pool.fetchval(
                "SELECT extract(epoch FROM next_probe_at - clock_timestamp())::float8 FROM account_availability"
            )
        )
        await make_probe_due(database)
        assert held(await call(await make_watch(Policy(failures=1, spread=0.0)), DOWN)) is not None
    longest = [10, 20, 40, 80, 160, 300, 300, 300]
    assert all(0.8 * limit - 1 <= pause <= limit for pause, limit in zip(pauses, longest, strict=True)), (
        pauses
    )


async def test_a_probe_that_was_never_heard_of_makes_room_for_another(
    make_watch: Make, database: Database
) -> None:
    watch = await make_watch(Policy(failures=1, spread=0.0))
    await call(watch, DOWN)
    await make_probe_due(database)
    assert await (await make_watch()).before(CALL)
    left = await database.pool.fetchval("SELECT next_probe_at - clock_timestamp() FROM account_availability")
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)
    await make_probe_due(database)
    assert await (await make_watch()).before(CALL)


async def test_that_the_outcome_is_unknown_is_kept_when_held(make_watch: Make) -> None:
    watch = await make_watch()
    errors = [await call(watch, LOST) for _ in range(4)]
    assert [isinstance(error, Retry) and error.outcome_unknown for error in errors] == [
        True,
        True,
        True,
        False,
    ]
    assert held(errors[2]) == held(errors[3]) is not None


async def test_a_refused_token_holds_the_runs_and_alerts_once(
    make_watch: Make, database: Database, account: GladlyAccount
) -> None:
    watch = await make_watch()
    for _ in range(5):
        assert held(await call(watch, REFUSED)) == f"account/{account.id}"
    assert await kinds_of_alerts(database) == ["token-refused"]


async def test_a_call_that_was_asked_before_the_refusal_does_not_undo_it(make_watch: Make) -> None:
    watch = await make_watch()
    early = await watch.before(CALL)
    await call(watch, REFUSED)
    await watch.after(CALL, None, is_probe=early)
    assert held(await call(watch)) is not None


async def test_other_credentials_are_tried_at_once(
    make_watch: Make, database: Database, account: GladlyAccount
) -> None:
    await call(await make_watch(), REFUSED)
    await give_other_credentials(database)
    assert await call(await make_watch()) is None


async def test_what_old_credentials_are_told_does_not_count_for_the_new(
    make_watch: Make, database: Database, account: GladlyAccount
) -> None:
    old = await make_watch()
    await give_other_credentials(database)
    error = await call(old, REFUSED)
    assert isinstance(error, Retry)
    assert (error.reason.code, error.tried, error.waiting_for) == ("account-token-replaced", False, None)
    assert await state(database) == []
    assert await kinds_of_alerts(database) == []


async def test_a_refusal_is_reported_to_who_keeps_the_credentials(
    database: Database, account: GladlyAccount
) -> None:
    told: list[str] = []
    async with database.transaction() as connection:
        credentials = await credentials_of(connection, account.id)
    watch = Availability(database).watch(account.id, credentials, on_refusal=lambda: told.append("refused"))
    await call(watch)
    assert told == []
    await call(watch, REFUSED)
    assert told == ["refused"]


async def test_what_one_call_is_not_permitted_holds_that_call_alone(
    make_watch: Make, database: Database, account: GladlyAccount
) -> None:
    watch = await make_watch()
    assert held(await call(watch, NOT_PERMITTED)) == f"account/{account.id}/{CALL}"
    assert held(await call(watch)) == f"account/{account.id}/{CALL}"
    assert await call(watch, None, OTHER) is None
    assert await kinds_of_alerts(database) == ["token-refused"]


async def test_a_call_that_turned_out_to_be_permitted_fails_for_the_one_thing_that_is_not(
    make_watch: Make, database: Database
) -> None:
    await call(await make_watch(), NOT_PERMITTED)
    await make_probe_due(database)
    watch = await make_watch()
    assert await call(watch) is None
    assert await call(watch, NOT_PERMITTED) is NOT_PERMITTED
    assert await call(watch) is None


async def test_when_it_is_accepted_again_that_is_told_too(make_watch: Make, database: Database) -> None:
    await call(await make_watch(), REFUSED)
    await database.pool.execute("UPDATE alert SET status = 'told', decided_at = now()")
    await make_probe_due(database)
    assert await call(await make_watch()) is None
    assert await kinds_of_alerts(database) == ["token-refused", "account-back"]


async def test_what_was_well_again_before_anybody_was_told_is_not_told(
    make_watch: Make, database: Database
) -> None:
    await call(await make_watch(), REFUSED)
    await make_probe_due(database)
    assert await call(await make_watch()) is None
    assert await kinds_of_alerts(database) == []


async def test_what_is_down_for_long_is_told_once_and_that_it_is_back(
    make_watch: Make, database: Database
) -> None:
    watch = await make_watch()
    for _ in range(3):
        await call(watch, DOWN)
    keeper = Availability(database)
    await keeper.keep(down_alert_seconds=60)
    assert await kinds_of_alerts(database) == []
    await database.pool.execute("UPDATE account_availability SET since = since - interval '1 minute'")
    for _ in range(3):
        await keeper.keep(down_alert_seconds=60)
    assert await kinds_of_alerts(database) == ["account-down"]
    await database.pool.execute("UPDATE alert SET status = 'told', decided_at = now()")
    await make_probe_due(database)
    await call(await make_watch())
    assert await kinds_of_alerts(database) == ["account-down", "account-back"]


async def test_a_down_account_that_refuses_the_token_when_it_is_back_is_refused(
    make_watch: Make, database: Database
) -> None:
    watch = await make_watch()
    for _ in range(3):
        await call(watch, DOWN)
    await make_probe_due(database)
    assert held(await call(await make_watch(), REFUSED)) is not None
    assert await state(database) == [("", "refused")]


async def test_that_somebody_tried_it_and_it_works_lets_it_be_called_again(
    make_watch: Make, database: Database, account: GladlyAccount
) -> None:
    await call(await make_watch(), REFUSED)
    await Availability(database).note_works(account.id)
    assert await state(database) == []
    assert await call(await make_watch()) is None
    await Availability(database).note_works("GA_none")


async def test_what_is_outdated_is_forgotten(
    make_watch: Make, database: Database, account: GladlyAccount
) -> None:
    keeper = Availability(database)
    await call(await make_watch(), DOWN)
    await keeper.keep(down_alert_seconds=60)
    assert await state(database) == [("", "failing")]
    await database.pool.execute(
        "UPDATE account_availability SET last_failed_at = now() - interval '11 minutes'"
    )
    await keeper.keep(down_alert_seconds=60)
    assert await state(database) == []
    await call(await make_watch(), REFUSED)
    await give_other_credentials(database)
    await keeper.keep(down_alert_seconds=60)
    assert await state(database) == []


async def test_a_removed_account_is_no_trouble(make_watch: Make, database: Database) -> None:
    watch = await make_watch()
    await call(watch, REFUSED)
    async with database.transaction() as connection:
        await connection.execute(sqlalchemy.text("DELETE FROM connected_account"))
    assert await state(database) == []
    error = await call(await make_watch(), DOWN)
    assert isinstance(error, Retry)
    assert error.waiting_for is None
