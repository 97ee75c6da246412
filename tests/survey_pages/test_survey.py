import asyncio
import re

import asyncpg
import pytest
from tests.fixtures.respondents import Respondents

from afterword.surveys.definitions import add_survey, csat_survey


def checked_scores(page: str) -> list[str]:
    return re.findall(r'value="(\d)" required checked', page)


async def test_the_page_asks_the_questions_with_the_score_of_the_mail_chosen(
    respondents: Respondents,
) -> None:
    link = respondents.link(await respondents.invite(), score="4")
    async with respondents.http.get(link) as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "How happy are you with the help you got?" in page
    assert re.findall(r'type="radio" name="QID1" value="(\d)"', page) == ["1", "2", "3", "4", "5"]
    assert checked_scores(page) == ["4"]
    assert page.count("<button") == 1


async def test_a_score_that_is_no_choice_is_not_chosen(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    for score in ("", "0", "6", "4x", "%00", "-1", "٤", "9" * 400):
        async with respondents.http.get(respondents.link(invitation, score=score)) as answer:
            assert answer.status == 200
            assert checked_scores(await answer.text()) == [], score


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_the_page_stores_nothing(respondents: Respondents, method: str) -> None:
    link = respondents.link(await respondents.invite(), score="4")
    for _ in range(3):
        async with respondents.http.request(method, link) as answer:
            assert answer.status == 200
    assert await respondents.responses() == []
    assert await respondents.event_count() == 0


async def test_an_answer_is_stored_with_the_embedded_data_and_thanked_for(respondents: Respondents) -> None:
    invitation = await respondents.invite(embedded_data={"customerid": "C1", "conversationId": "V1"})
    form = {"QID1": "5", "QID2": "Quick\r\nand kind ✓"}
    async with respondents.http.post(
        respondents.link(invitation), data=form, allow_redirects=False
    ) as answer:
        assert answer.status == 303
        thanks = answer.headers["Location"]
    async with respondents.http.get(thanks) as page:
        assert page.status == 200
        assert "Thank you!" in await page.text()
    (response,) = await respondents.responses()
    assert response["answers"] == {"QID1": 5, "QID2_TEXT": "Quick\nand kind ✓"}
    assert response["embedded_data"] == {"CustomerId": "C1", "ConversationId": "V1"}
    assert response["invitation_id"] == invitation.id
    assert await respondents.event_count() == 1


async def test_the_inbox_is_told_of_an_answer(respondents: Respondents) -> None:
    told = asyncio.Event()
    listener = await asyncpg.connect(respondents.database.url)
    await listener.add_listener("afterword_inbox", lambda *_: told.set())
    invitation = await respondents.invite()
    async with respondents.http.post(respondents.link(invitation), data={"QID1": "5"}) as answer:
        assert answer.status == 200
    await asyncio.wait_for(told.wait(), 10)
    await listener.close()


async def test_an_answer_without_a_score_is_refused_and_what_was_typed_is_kept(
    respondents: Respondents,
) -> None:
    link = respondents.link(await respondents.invite())
    comment = "It was </textarea><b>fine</b> & quick"
    async with respondents.http.post(link, data={"QID2": comment}) as answer:
        page = await answer.text()
    assert answer.status == 422
    assert "It was &lt;/textarea&gt;&lt;b&gt;fine&lt;/b&gt; &amp; quick" in page
    assert 'id="QID1-error" role="alert">Please choose one of the scores.' in page
    assert 'aria-describedby="QID1-error"' in page
    assert await respondents.responses() == []
    async with respondents.http.post(link, data={"QID1": "2", "QID2": comment}) as answer:
        assert answer.status == 200
    (response,) = await respondents.responses()
    assert response["answers"] == {"QID1": 2, "QID2_TEXT": comment}


async def test_a_comment_that_is_too_long_keeps_the_score_and_the_comment(respondents: Respondents) -> None:
    link = respondents.link(await respondents.invite())
    comment = "x" * 5001
    async with respondents.http.post(link, data={"QID1": "3", "QID2": comment}) as answer:
        page = await answer.text()
    assert answer.status == 422
    assert comment in page
    assert checked_scores(page) == ["3"]
    assert 'aria-describedby="QID2-error" autofocus' in page
    assert await respondents.responses() == []


async def test_an_invitation_is_answered_once_where_no_changes_are_taken(respondents: Respondents) -> None:
    await respondents.take_no_changes()
    link = respondents.link(await respondents.invite())
    async with respondents.http.post(link, data={"QID1": "5"}):
        pass
    async with respondents.http.post(link, data={"QID1": "1"}) as again:
        assert again.status == 200
        assert "You have already answered" in await again.text()
    async with respondents.http.get(link) as opened_again:
        assert opened_again.status == 200
        assert "You have already answered" in await opened_again.text()
    (response,) = await respondents.responses()
    assert response["answers"] == {"QID1": 5}


async def test_answers_sent_at_once_are_one_response_and_all_thanked_for(respondents: Respondents) -> None:
    link = respondents.link(await respondents.invite())

    async def send(score: str) -> str:
        async with respondents.http.post(link, data={"QID1": score}) as answer:
            assert answer.status == 200
            return await answer.text()

    pages = await asyncio.gather(*(send(str(score)) for score in (1, 2, 3, 4, 5)))
    assert all("Thank you!" in page for page in pages)
    (response,) = await respondents.responses()
    assert response["version"] == 5
    assert await respondents.event_count() == 5


async def test_an_answer_that_could_not_be_stored_is_kept_and_can_be_sent_again(
    respondents: Respondents,
) -> None:
    link = respondents.link(await respondents.invite())
    await respondents.lose_the_database_at_the_next_response()
    form = {"QID1": "4", "QID2": "Please keep this"}
    async with respondents.http.post(link, data=form) as answer:
        page = await answer.text()
    assert answer.status == 503
    assert "Nothing you wrote is lost" in page
    assert "Please keep this</textarea>" in page
    assert checked_scores(page) == ["4"]
    await respondents.find_the_database_again()
    async with respondents.http.post(link, data=form) as answer:
        assert answer.status == 200
    (response,) = await respondents.responses()
    assert response["answers"] == {"QID1": 4, "QID2_TEXT": "Please keep this"}


async def test_a_survey_that_is_closed_says_so(respondents: Respondents) -> None:
    link = respondents.link(await respondents.invite())
    await respondents.close_survey()
    async with respondents.http.get(link) as opened:
        assert opened.status == 410
        assert "This survey is closed" in await opened.text()
    async with respondents.http.post(link, data={"QID1": "5"}) as sent:
        assert sent.status == 410
    assert await respondents.responses() == []


async def test_a_link_that_expired_takes_no_answer(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    link, pool = respondents.link(invitation), respondents.database.pool
    await pool.execute("UPDATE invitation SET expires_at = now() + interval '1 hour'")
    async with respondents.http.get(link) as opened:
        assert opened.status == 200
    await pool.execute("UPDATE invitation SET expires_at = now() - interval '1 second'")
    async with respondents.http.post(link, data={"QID1": "5"}) as sent:
        assert sent.status == 410
        assert "This survey is closed" in await sent.text()
    assert await respondents.responses() == []


async def test_a_link_that_is_nobodys_is_told_kindly(respondents: Respondents) -> None:
    nul = "%00" * 8
    for query in ("", "Q_DL=", "Q_DL=nobodys-token", f"Q_DL={nul}", "Q_DL=" + "x" * 5000, "Q_DL=%ED%A0%80"):
        for method in ("GET", "POST"):
            address = f"/jfe/form/{respondents.survey_id}?{query}"
            async with respondents.http.request(method, address) as answer:
                assert answer.status == 404, query
                assert "This link does not work" in await answer.text()


async def test_a_link_works_for_its_own_survey_only(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    async with respondents.database.transaction() as connection:
        another = await add_survey(connection, name="Another", definition=csat_survey())
    address = f"/jfe/form/{another}?Q_DL={invitation.link_token}"
    async with respondents.http.post(address, data={"QID1": "5"}) as answer:
        assert answer.status == 404
    assert await respondents.responses() == []


async def test_a_form_that_is_too_large_is_refused(respondents: Respondents) -> None:
    link = respondents.link(await respondents.invite())
    async with respondents.http.post(link, data={"QID1": "5", "QID2": "x" * 70_000}) as answer:
        assert answer.status == 413
    assert await respondents.responses() == []


async def test_thanks_for_an_unknown_survey_are_not_found(respondents: Respondents) -> None:
    for survey_id in ("SV_unknown", "%00", "x" * 1000):
        async with respondents.http.get(f"/jfe/form/{survey_id}/thanks") as answer:
            assert answer.status == 404


async def test_pages_keep_to_themselves(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    for address in (respondents.link(invitation), f"/opt-out/{invitation.link_token}", "/jfe/form/x"):
        async with respondents.http.get(address) as answer:
            page = await answer.text()
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<script|<style| style=| on\w+=", page)
        assert not re.search(r'(?:src|href|action)="(?!/|#)', page)


KINDS = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
    "application/json",
    "nonsense",
)
BODIES = (
    b"",
    b"\xff\xfe\x00",
    b"QID1=%ff%fe&QID1",
    b"{}",
    b"--x\r\n\r\n--x--",
    b"QID1=5x&QID2=%00",
    b"&&&=&",
)


async def test_what_is_no_answer_is_refused_and_can_be_put_right(respondents: Respondents) -> None:
    link = respondents.link(await respondents.invite())
    for kind in KINDS:
        for body in BODIES:
            headers = {"Content-Type": kind}
            async with respondents.http.post(link, data=body, headers=headers) as answer:
                assert answer.status in {400, 422}, (kind, body)
    assert await respondents.responses() == []
    async with respondents.http.post(link, data={"QID1": "5"}) as answer:
        assert answer.status == 200
    assert len(await respondents.responses()) == 1


@pytest.mark.parametrize(
    ("policy", "status"), [("keep", 200), ("cancel-if-not-sent", 200), ("cancel-if-not-answered", 410)]
)
async def test_a_link_that_a_reopening_cancelled_says_so_kindly_and_takes_no_answer(
    respondents: Respondents, policy: str, status: int
) -> None:
    invitation = await respondents.invite()
    await respondents.reopen(invitation, policy)
    link = respondents.link(invitation)
    async with respondents.http.get(link) as page:
        assert page.status == status
        assert ("You wrote to us again" in await page.text()) is (status == 410)
    async with respondents.http.post(link, data={"QID1": "4"}, allow_redirects=False) as answer:
        assert answer.status == (303 if status == 200 else 410)
    assert len(await respondents.responses()) == (status == 200)


async def test_an_answer_that_came_before_the_reopening_stays(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    async with respondents.http.post(respondents.link(invitation), data={"QID1": "4"}) as answer:
        assert answer.status == 200
    await respondents.reopen(invitation, "cancel-if-not-answered")
    async with respondents.http.get(respondents.link(invitation)) as page:
        assert page.status == 200
        assert "You wrote to us again" not in await page.text()


async def test_what_is_not_the_surveys_own_words_is_said_in_its_language(respondents: Respondents) -> None:
    await respondents.database.pool.execute(
        "UPDATE survey SET definition = jsonb_set(definition, '{texts,language}', '\"de-AT\"')"
    )
    async with respondents.http.post(respondents.link(await respondents.invite()), data={}) as answer:
        page = await answer.text()
    assert '<html lang="de-AT">' in page
    assert "Bitte wählen Sie eine der Bewertungen." in page
    assert "Bitte keine Umfragen mehr" in page
    assert "How did we do?" in page
    async with respondents.http.get("/jfe/form/SV_none", headers={"Accept-Language": "es"}) as answer:
        assert "Este enlace no funciona" in await answer.text()
