"""What the log says of an error that nobody expected: where and of what kind, and no value."""

import asyncpg
import pytest

from afterword.log import without_values
from afterword.outcomes import ConfigurationError
from afterword.store.database import Database

ADDRESS = "ada@one.example"


def told_of(error: BaseException) -> str:
    return without_values((type(error), error, error.__traceback__))


async def test_what_a_database_says_of_a_value_is_not_told(database: Database) -> None:
    with pytest.raises(asyncpg.DataError) as refused:
        await database.pool.fetchval("SELECT $1::bigint", ADDRESS)
    assert ADDRESS in str(refused.value)
    told = told_of(refused.value)
    assert told.endswith("asyncpg.exceptions.DataError")
    assert "test_log.py" in told
    assert ADDRESS not in told


def test_what_led_to_it_is_told_first_with_the_words_that_hold_no_value() -> None:
    with pytest.raises(LookupError) as raised:
        look_up(ADDRESS)
    told = told_of(raised.value)
    kinds = ["builtins.ValueError", "afterword.outcomes.ConfigurationError: set it", "builtins.LookupError"]
    assert [told.index(kind) for kind in kinds] == sorted(told.index(kind) for kind in kinds)
    assert ADDRESS not in told
    assert told_of(OSError(111, "refused")).endswith("builtins.ConnectionRefusedError: [Errno 111] refused")


def look_up(wanted: str) -> None:
    try:
        try:
            int(wanted)
        except ValueError as error:
            raise ConfigurationError("set it") from error
    except ConfigurationError:
        raise LookupError(wanted)  # noqa: B904


def test_errors_without_an_end_to_their_causes_are_cut() -> None:
    error: BaseException = ValueError()
    for _ in range(30):
        following = ValueError()
        following.__cause__ = error
        error = following
    assert told_of(error).count("ValueError") == 10
