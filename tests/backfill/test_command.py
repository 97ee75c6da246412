"""``afterword backfill`` for closings, as people and programs call it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.backfill.conftest import Past, Scene
from tests.fixtures.sandbox import Sandbox
from typer.testing import CliRunner, Result

from afterword.backfill import rows
from afterword.cli import app

HOUR = timedelta(hours=1)
Call = Callable[..., Awaitable[Result]]


@pytest.fixture
def call(scene: Scene, tmp_path: Path) -> Call:
    environment = {
        "AFTERWORD_DATABASE_URL": scene.database.url,
        "AFTERWORD_DATA_DIR": str(tmp_path),
        "AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "1000",
        "AFTERWORD_RETRY_TIME_SCALE": "0.01",
        "AFTERWORD_LOG_LEVEL": "error",
    }

    async def run(*words: str, typed: str | None = None) -> Result:
        arguments = ["backfill", *words]
        return await asyncio.to_thread(CliRunner().invoke, app, arguments, input=typed, env=environment)

    return run


def ago(span: timedelta) -> datetime:
    return datetime.now(UTC) - span


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


SLOTS = itertools.count(4)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def slot() -> datetime:
    """Where a quarter of an hour begins, in the last day, in which nobody else closes anything."""
    return ago(next(SLOTS) * HOUR + 35 * MINUTE)


@pytest.fixture
def span(slot: datetime) -> tuple[str, ...]:
    """This time, as the command wants it."""
    return "--since", text(slot), "--until", text(slot + 15 * MINUTE)


@pytest.fixture
async def missed(scene: Scene, past: Past, slot: datetime) -> list[str]:
    """Three closings that no webhook told of."""
    await scene.workflow()
    return [past.conversation(slot + n * MINUTE)[1] for n in (3, 5, 7)]


async def test_it_tells_what_would_come_of_it_and_does_nothing_unless_it_is_told_so(
    call: Call, scene: Scene, span: tuple[str, ...], missed: list[str]
) -> None:
    for arguments, typed in ((("--dry-run",), None), ((), "n\n")):
        told = await call(*span, *arguments, typed=typed)
        assert "3 closings in Gladly's records, of which 0 are known and 3 new" in told.output
        assert "Ask: 3 runs" in told.output
        assert "At most 3 customers would be asked, behind live ones, the last within a minute" in told.output
        assert ("Record them?" in told.output) is (typed is not None)
        assert told.exit_code == (0 if typed is None else 1)
    assert await scene.asked_about() == []
    assert await scene.database.pool.fetchval("SELECT count(*) FROM backfill_found") == 0


async def test_told_so_it_records_them_and_the_second_time_all_are_known(
    call: Call, scene: Scene, span: tuple[str, ...], missed: list[str]
) -> None:
    told = await call(*span, typed="y\n")
    assert told.exit_code == 0, told.output
    assert "Backfill 1: 3 closings recorded." in told.output
    assert sorted(await scene.asked_about()) == sorted(missed)
    again = await call(*span)
    assert "of which 3 are known and 0 new" in again.output
    assert "Record them?" not in again.output
    assert len(await scene.asked_about()) == 3
    listed = await call("list")
    assert "3 closings, 3 new, 3 recorded" in listed.output


async def test_programs_get_json_and_are_not_asked(
    call: Call, scene: Scene, span: tuple[str, ...], missed: list[str]
) -> None:
    refused = await call(*span, "--json")
    assert "--json goes with --yes" in str(refused.exception)
    planned = msgspec.json.decode((await call(*span, "--json", "--dry-run")).stdout)
    assert (planned["customers"], planned["backfill"]["state"], planned["backfill"]["recorded"]) == (
        3,
        "stopped",
        0,
    )
    done = msgspec.json.decode((await call(*span, "--json", "--yes")).stdout)
    assert (done["backfill"]["state"], done["backfill"]["recorded"]) == ("finished", 3)
    assert [one["workflow"] for one in done["workflows"]] == ["Ask"]
    listed = msgspec.json.decode((await call("list", "--json")).stdout)
    assert [one["state"] for one in listed["backfills"]] == ["finished", "stopped"]


async def test_closings_that_are_too_old_are_told_apart(
    call: Call, scene: Scene, past: Past, slot: datetime, span: tuple[str, ...]
) -> None:
    past.conversation(slot + 3 * MINUTE)
    past.conversation(slot + 12 * MINUTE)
    hours = (datetime.now(UTC) - slot - 8 * MINUTE) / HOUR
    await scene.workflow(eligibility={"longest_age_hours": hours})
    told = await call(*span, "--dry-run", "--json")
    (workflow,) = msgspec.json.decode(told.stdout)["workflows"]
    assert (workflow["closings"], workflow["too_old"], workflow["customers"]) == (2, 1, 1)
    told = await call(*span, "--dry-run")
    assert "1 of which end at once: nothing is sent for closings older than" in told.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--account", "Support"], "--since is missing"),
        (["--since", "2999-01-01"], "is not before"),
        (["--since", "2026-11-20", "--account", "Nobody"], "Nobody"),
        (["stop", "77"], "There is no backfill 77"),
        (["resume", "77"], "There is no backfill 77"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_one_line(call: Call, words: list[str], says: str) -> None:
    refused = await call(*words)
    assert refused.exit_code == 1
    assert says in str(refused.exception)


async def test_one_that_was_interrupted_is_gone_on_with_or_stopped(
    call: Call, scene: Scene, slot: datetime, missed: list[str]
) -> None:
    for command, says, runs in (("stop", "is stopped", 0), ("resume", "3 closings recorded", 3)):
        begun = await scene.begin(slot, slot + 15 * MINUTE)
        told = await call(command, str(begun.id))
        assert says in told.output
        assert len(await scene.asked_about()) == runs
        again = await call(command, str(begun.id))
        assert "at its end" in f"{again.exception} {again.output}"


async def test_the_list_tells_how_far_each_account_was_looked_through_and_read(
    call: Call, scene: Scene
) -> None:
    assert "No closing was missed so far" in (await call("list")).output
    await scene.database.pool.execute("UPDATE connected_account SET delivery = 'pull'")
    await scene.database.pool.execute(
        "INSERT INTO gladly_reading (account_id, pulled_at, pull_failures) VALUES ($1, now(), 2)",
        scene.account_id,
    )
    told = (await call("list")).output
    assert "Support: looked through until" in told
    assert "Gladly's list of events last read" in told
    assert "2 failures since" in told


async def test_while_another_is_open_it_says_which(
    call: Call, scene: Scene, span: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterword.commands.backfill_work.ANOTHER_MAY_TAKE_SECONDS", 0.0)
    begun = await scene.begin(ago(2 * HOUR), ago(HOUR))
    refused = await call(*span)
    assert f"Backfill {begun.id} of this account is under way" in str(refused.exception)


async def test_gladly_in_trouble_is_waited_for_and_told(
    call: Call, scene: Scene, span: tuple[str, ...], sandbox: Sandbox, missed: list[str]
) -> None:
    with sandbox.fault("answer", status=503, method="GET", path="/api/v1/events", times=1):
        told = await call(*span, "--yes")
    assert "Waiting: Gladly could not do it now" in told.output
    assert "Backfill 1: 3 closings recorded." in told.output
    async with scene.database.pool.acquire() as connection:
        done = await rows.get_backfill(connection, 1)
    assert done is not None
    assert (done.attempt, done.reason_words) == (0, None)
