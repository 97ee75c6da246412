from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.pages.wording import day, duration, moment, number, percent
from afterword.translating import (
    LANGUAGES,
    N_,
    best_language,
    gettext,
    ngettext,
    retold,
    said,
    speaking,
    spoken,
    translated,
)


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (None, "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.2, es-419", "es"),
        ("fr, es;q=0.1", "es"),
        ("de;q=0, es", "es"),
        ("zh", "en"),
        ("*", "en"),
        ("de;q=much", "en"),
    ],
)
def test_the_language_that_a_browser_asks_for_first_and_that_there_is(
    wanted: str | None, language: str
) -> None:
    assert best_language(wanted) == language


@settings(deadline=None)
@given(st.text())
def test_whatever_a_browser_asks_for_it_gets_a_language(wanted: str) -> None:
    assert best_language(wanted) in LANGUAGES


def test_texts_are_english_until_somebody_is_spoken_to_in_another_language() -> None:
    assert spoken() == "en"
    with speaking("de"):
        assert translated("Skip to the content") == "Zum Inhalt springen"
        assert translated("Nobody wrote this") == "Nobody wrote this"
    assert translated("Skip to the content") == "Skip to the content"


def test_values_are_put_in_and_numbers_choose_their_form() -> None:
    assert gettext("%(share)s is 95 %%", share="This") == "This is 95 %"
    assert ngettext("%(num)s Run", "%(num)s Runs", 1) == "1 Run"
    assert ngettext("%(num)s Run", "%(num)s Runs", 2) == "2 Runs"
    assert N_("kept") == "kept"


def test_what_was_kept_in_english_is_told_in_another_language_with_the_values_it_has() -> None:
    kept = said("the customer was asked lately, and is to be asked at most once in %(days)s days", days=30)
    inbox = said("the inbox that it was closed in %(what)s", what=N_("is not asked about"))
    vendors = "Gladly did not accept the credentials (GET /agents: 401); check the user name and the API token of the "
    vendors += "connected account"
    assert retold(kept) == kept
    with speaking("de"):
        assert (
            retold(kept)
            == "der Kunde wurde kürzlich gefragt und soll höchstens einmal in 30 Tagen gefragt werden"
        )
        assert retold(inbox) == "die Inbox, in der sie geschlossen wurde, ist keine, nach der gefragt wird"
        assert retold(vendors) == (
            "Gladly hat die Zugangsdaten nicht angenommen (GET /agents: 401); prüfen Sie den Benutzernamen und das "
            "API-Token des verbundenen Kontos"
        )
        assert retold("words of somebody's own") == "words of somebody's own"
        assert retold("Gladly cannot be reached (GET /agents, status 503: no answer in time)").endswith(
            " (GET /agents, Status 503: keine Antwort innerhalb der Zeit)"
        )
        assert retold("Mon 23 Nov 2026, 22:16 (Europe/Berlin)") == "Mo., 23. Nov. 2026, 22:16 (Europe/Berlin)"


@settings(deadline=None)  # the catalog is read at the first
@given(st.text())
def test_whatever_was_kept_is_told(words: str) -> None:
    with speaking("es"):
        assert retold(words) or not words


def test_moments_numbers_and_durations_are_written_as_the_language_does() -> None:
    at = datetime(2026, 11, 23, 22, 16, 4, tzinfo=UTC)
    told = {}
    for language in LANGUAGES:
        with speaking(language):
            told[language] = [moment(at).striptags(), day(at), number(12345), duration(1.24), percent(0.001)]
    assert told == {
        "en": ["23 Nov 2026, 22:16:04 UTC", "23 Nov 2026", "12,345", "1.2 s", "under 1 %"],
        "de": ["23.11.2026, 22:16:04 UTC", "23.11.2026", "12.345", "1,2 s", "unter 1 %"],
        "es": ["23 nov 2026, 22:16:04 UTC", "23 nov 2026", "12.345", "1,2 s", "menos del 1 %"],
    }
