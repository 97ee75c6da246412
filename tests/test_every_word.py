"""Every word of every page is translated: whoever reads German reads no English."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence

import aiohttp
import pytest
from tests.fixtures.addresses import MISTYPED, addresses
from tests.fixtures.admin_pages import Browser
from tests.fixtures.everything import make_everything
from tests.fixtures.pseudo_language import Words, wide_letters
from tests.fixtures.site import Site
from tests.fixtures.workflow_forms import form_sent_to

from afterword.accounts.secrets import SecretBox

SAME_EVERYWHERE = (
    r"\b(?:Afterword|Gladly|Qualtrics|CSAT|UTC|STARTTLS|Facebook Messenger|Instagram Direct|Twitter)\b",
    r"\b(?:gladly|qualtrics|afterword|English|Deutsch|Español)\b",
    r"\b(?:Montag|Freitag)\b",
    r"\b(?:Mo|Di|Mi|Do|Fr|Sa|So)\., \d+\. \w+\.? \d{4}",
)
"""Names, and what the locale wrote."""
CODES = (
    r"\b[A-Z]{1,2}_\w+",
    r"\S+@\S+|\S+://\S+",
    r"[$~]?\{[^{}]*\}",
    r"\b[\w.]+[-:/_+][\w./+:-]+",
    r"\b(?:[A-Z]?[a-z]+[A-Z])\w*",
    r"^(?:Email|email|subject)$",
)
"""Ids, addresses, piped text, and the names of fields and reasons."""
MADE = (
    r"(?:Q-)?Longest-name-of-all-x+…?|[a-zA-Z]*([a-zA-Z])\1{20,}\S*",
    r"Olivia Owner|Ada(?: King)?|Customers|Ask everybody|Nowhere|OSError|'ann'|November|day$",
    r"They were kind & (?:<.*|\.\.\.)",
    r"Customer satisfaction|(?:Very )?(?:[Uu]nh|[Hh])appy|How happy are you.*|What is the main reason.*",
)
"""Of ``make_everything``, of the survey, and samples of values."""
NOT_SAID = re.compile("|".join((*MADE, *SAME_EVERYWHERE, *CODES)))
IN_THE_SURVEYS_LANGUAGE = "/jfe/"
HEADERS = {"Accept-Language": "de", "Accept": "text/html"}
WORD = re.compile(r"[A-Za-z]{3,}")
Made = Mapping[str, Sequence[str]]


async def test_no_page_says_a_word_that_is_not_translated(
    whole_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = whole_site
    made = await make_everything(site, SecretBox(["a key for the tests, long enough to be one"]))
    found: dict[str, str] = {}
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(site.url, cookie_jar=jar, headers=HEADERS) as http:
        browser = Browser(http, site.url)
        with wide_letters(monkeypatch):
            await browser.sign_in("olivia@example.org")
            async for address, page in _pages(browser, site, made):
                for words in Words(page).said:
                    if WORD.search(NOT_SAID.sub("", words)):
                        found.setdefault(words, address)
    assert not found, "\n".join(f"{address}: {words}" for words, address in found.items())


async def _pages(browser: Browser, site: Site, made: Made) -> AsyncIterator[tuple[str, str]]:
    for address in addresses(site.pages, made):
        if not address.startswith(IN_THE_SURVEYS_LANGUAGE):
            yield address, (await browser.get(address))[1]
    for mistyped in MISTYPED:
        shown, action = mistyped.at(made)
        form = {**dict(form_sent_to((await browser.get(shown))[1], action).pairs), **mistyped.typed}
        form |= {"do": mistyped.button} if mistyped.button else {}
        answer, page = await browser.send(action, form, token=form.pop("_csrf_token"))
        assert answer.status in {400, 422}, f"{action} answers {answer.status} to {mistyped.typed}"
        yield f"{action} with {mistyped.typed}", page
