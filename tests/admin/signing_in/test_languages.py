"""Pages in the reader's language: the one that was chosen, else the browser's, else English."""

import asyncio

from tests.fixtures.admin_pages import Browser

from afterword.accounts.people import Person


async def test_a_page_speaks_the_language_that_the_browser_asks_for(browser: Browser) -> None:
    for wanted, language, words in [
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Bei Afterword anmelden"),
        ("es", "es", "Iniciar sesión en Afterword"),
        ("fr", "en", "Sign in to Afterword"),
    ]:
        async with browser.http.get("/sign-in", headers={"Accept-Language": wanted}) as answer:
            page = await answer.text()
        assert f'<html lang="{language}">' in page
        assert f"<h1>{words}</h1>" in page


async def test_who_chose_a_language_is_spoken_to_in_it_whatever_the_browser_asks_for(
    signed_in: Browser,
) -> None:
    _, page = await signed_in.send("/account/language", {"language": "de"})
    assert '<html lang="de">' in page
    assert "Gespeichert." in page
    assert '<option value="de" lang="de" selected>Deutsch</option>' in page
    async with signed_in.http.get("/workflows/runs", headers={"Accept-Language": "es"}) as answer:
        assert "<h1>Verlauf</h1>" in await answer.text()
    _, page = await signed_in.send("/account/language", {"language": ""})
    assert '<html lang="en">' in page


async def test_a_language_that_there_is_none_of_changes_nothing(signed_in: Browser) -> None:
    answer, _ = await signed_in.send("/account/language", {"language": "tlh"})
    assert answer.status == 400
    _, page = await signed_in.get("/account")
    assert '<html lang="en">' in page


async def test_what_is_wrong_and_what_is_not_there_is_told_in_the_language_too(
    browser: Browser, owner: Person
) -> None:
    german = {"Accept-Language": "de", "Accept": "text/html"}
    async with browser.http.get("/nowhere", headers=german) as answer:
        page = await answer.text()
    assert answer.status == 404
    assert '<html lang="de">' in page
    assert "<h1>Nicht gefunden</h1>" in page
    await browser.sign_in(owner.email)
    form = {"_csrf_token": await browser.form_token(), "email": "", "name": "", "role": "manager"}
    async with browser.http.post("/settings/people", data=form, headers=german) as answer:
        page = await answer.text()
    assert answer.status == 422
    assert "Bitte noch einmal prüfen: Personen" in page.replace("\n", " ")


async def test_pages_that_are_made_at_once_speak_each_their_own_language(signed_in: Browser) -> None:
    words = {"en": "Sign out", "de": "Abmelden", "es": "Cerrar sesión"}

    async def speaks(language: str) -> bool:
        async with signed_in.http.get("/", headers={"Accept-Language": language}) as answer:
            page = await answer.text()
        others = [told for other, told in words.items() if other != language and told in page]
        return f'<html lang="{language}">' in page and words[language] in page and not others

    assert all(await asyncio.gather(*(speaks(language) for language in [*words] * 4)))
