"""What is typed finds what is there: both sides made into words alike, and nothing typed is more than words."""

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterword.store.database import Database
from afterword.workflows.history.search_words import (
    LONGEST_SEARCH,
    MOST_WORDS,
    InvalidSearch,
    fold,
    read_search,
    tag,
    words_of_address,
    words_of_id,
    words_of_name,
    words_of_text,
)


async def finds(
    database: Database,
    typed: str,
    words: list[str],
    *,
    personal: bool = True,
    tags: list[list[str]] | None = None,
) -> bool:
    search = read_search(typed)
    assert search is not None
    found = await database.pool.fetchval(
        "SELECT array_to_tsvector(string_to_array($1::text, ' ')) @@ $2::text::tsquery",
        " ".join(words),
        search.query(personal=personal, tags=tags or []),
    )
    return bool(found)


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("ada.lovelace@mail.example.org", True),
        ("ADA.Lovelace@Mail.Example.org", True),
        ("<ada.lovelace@mail.example.org>,", True),
        ("ada.love", True),
        ("ada", True),
        ("lovelace", True),
        ("mail.example", True),
        ("@mail.example.org", True),
        ("example", True),
        ("ada@mail.example.org", False),
        ("ada.lovelace@mail.example.com", False),
        ("vel", False),
        ("org", False),
    ],
)
async def test_an_address_is_found_whole_and_by_its_parts(
    database: Database, typed: str, is_found: bool
) -> None:
    words = list(words_of_address("Ada.Lovelace@mail.example.org"))
    assert await finds(database, typed, words) is is_found
    assert not await finds(database, typed, words, personal=False)


@pytest.mark.parametrize(
    ("value", "typed", "is_found"),
    [
        ("EMD_a1B2c3", "EMD_a1B2c3", True),
        ("EMD_a1B2c3", "emd_a1", True),
        ("EMD_a1B2c3", "a1b2", True),
        ("EMD_a1B2c3", "b2c3", False),
        ("0190a6c4-7f2e-7c3a-9b1d-2f4e6a8c0d1e", "0190a6c4-7f2e-7c3a-9b1d-2f4e6a8c0d1e", True),
        ("0190a6c4-7f2e-7c3a-9b1d-2f4e6a8c0d1e", "0190a6c4-7f2e", True),
        ("0190a6c4-7f2e-7c3a-9b1d-2f4e6a8c0d1e", "2f4e6a8c0d1e", False),
        ("4711", "4711", True),
        ("4711", "471", False),
        ("x" * 100, "x" * 100, True),
        ("x" * 100, "x" * 20, True),
    ],
)
async def test_an_id_is_found_whole_by_its_beginning_and_by_its_parts(
    database: Database, value: str, typed: str, is_found: bool
) -> None:
    assert await finds(database, typed, list(words_of_id(value)), personal=False) is is_found


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Camille Lefèvre", "lefevre"),
        ("Camille Lefevre", "LEFÈVRE camille"),
        ("Anne-Marie O\u2019Brien", "anne-marie"),
        ("Anne-Marie O\u2019Brien", "marie obrien"),
        ("Anne-Marie O\u2019Brien", "o'brien"),
        ("Jürgen Groß", "gross"),
        ("李小龙", "李"),
        ("Ωνάσης", "ωνασησ"),
        ("Ada Lovelace", "lov ad"),
    ],
)
async def test_a_name_is_found_however_it_is_written(database: Database, name: str, typed: str) -> None:
    assert await finds(database, typed, list(words_of_name(name)))


async def test_every_word_has_to_be_there(database: Database) -> None:
    words = [*words_of_name("Ada Lovelace"), *words_of_text("customer-has-no-email")]
    assert await finds(database, "ada customer-has", words)
    assert await finds(database, "ada email", words)
    assert not await finds(database, "ada phone", words)


async def test_what_is_no_name_is_found_without_seeing_names(database: Database) -> None:
    words = [*words_of_name("Ada"), *words_of_id("conv1"), *words_of_text("Gladly cannot answer")]
    assert await finds(database, "conv1 gladly", words, personal=False)
    assert not await finds(database, "ada gladly", words, personal=False)


async def test_a_tag_cannot_be_typed(database: Database) -> None:
    words = [tag("status", "failed"), tag("event", "Survey Response: partial"), *words_of_id("conv1")]
    assert await finds(database, "conv1", words, tags=[[tag("status", "failed"), tag("status", "waiting")]])
    assert not await finds(database, "conv1", words, tags=[[tag("status", "waiting")]])
    for typed in ("=status:failed", "status:failed", "failed", "partial"):
        assert not await finds(database, typed, words)


@pytest.mark.parametrize(
    ("typed", "number"),
    [("12", 12), (" 12 ", 12), ("12 13", None), ("12a", None), ("9" * 30, None), ("१२", None), ("#12", 12)],
)
def test_a_number_alone_may_be_a_runs(typed: str, number: int | None) -> None:
    search = read_search(typed)
    assert search is not None
    assert search.number == number


def test_nothing_is_no_search_and_too_much_is_refused() -> None:
    assert read_search("  ") is None
    for typed in ("?!", "'", "x" * (LONGEST_SEARCH + 1), " ".join(f"w{n}" for n in range(MOST_WORDS + 1))):
        with pytest.raises(InvalidSearch):
            read_search(typed)


TYPED = st.text(max_size=LONGEST_SEARCH) | st.text("ab'\\&|!():*<-> ~=@.", max_size=60)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(typed=TYPED, personal=st.booleans())
async def test_whatever_is_typed_is_a_search_or_refused(
    database: Database, typed: str, personal: bool
) -> None:
    """Never an error of the database's, and never an operator: what is there is found by itself."""
    try:
        search = read_search(typed)
    except InvalidSearch:
        return
    if search is None:
        return
    nodes = await database.pool.fetchval("SELECT numnode($1::text::tsquery)", search.query(personal=personal))
    assert nodes > 0
    words = [word for one in search.words for word in words_of_name(one)]
    assert await finds(database, typed, words or ["x"]) or not words


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=st.text(max_size=200))
async def test_words_can_always_be_kept(database: Database, value: str) -> None:
    words = [*words_of_id(value), *words_of_name(value), *words_of_address(value), *words_of_text(value)]
    assert not any(character.isspace() for word in words for character in word)
    try:
        kept = await database.pool.fetchval(
            "SELECT tsvector_to_array(array_to_tsvector(string_to_array($1::text, ' ')))", " ".join(words)
        )
    except asyncpg.PostgresError as error:
        pytest.fail(f"{words}: {error}")
    assert set(kept) == set(words)


@given(st.text(max_size=100))
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
