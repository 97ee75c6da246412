"""What a respondent can do with an answer that was sent: add to it, correct it, or say that that is all."""

import re

from tests.fixtures.respondents import Respondents

from afterword.distributions.invitations import Invitation

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


async def sent(respondents: Respondents, invitation: Invitation, **form: str) -> str:
    """Send a form; the page that is seen then."""
    async with respondents.http.post(respondents.link(invitation), data=form) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_who_sent_a_score_is_asked_for_more_in_one_box_and_can_add_it(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    thanks = await sent(respondents, invitation, QID1="4")
    assert "Anything to add?" in thanks
    assert "What is the main reason for your score?" in thanks
    assert thanks.count("<textarea") == 1
    box = dict(HIDDEN.findall(thanks))
    assert box == {"seen_version": "1", "QID1": "4"}
    after = await sent(respondents, invitation, **box, QID2="Quick & kind")
    assert "Thank you!" in after
    assert "Anything to add?" not in after
    assert "Change my answer" in after
    (response,) = await respondents.responses()
    assert (response["answers"], response["version"], response["finished"]) == (
        {"QID1": 4, "QID2_TEXT": "Quick & kind"},
        2,
        True,
    )
    assert await respondents.event_count() == 2


async def test_that_is_all_ends_the_asking(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    await sent(respondents, invitation, QID1="4")
    page = await sent(respondents, invitation, enough="yes")
    assert "Anything to add?" not in page
    (response,) = await respondents.responses()
    assert (response["answers"], response["finished"]) == ({"QID1": 4}, True)


async def test_the_link_shows_what_was_said_and_a_correction_is_a_new_version(
    respondents: Respondents,
) -> None:
    invitation = await respondents.invite()
    await sent(respondents, invitation, QID1="2", QID2="So <so>")
    async with respondents.http.get(respondents.link(invitation)) as answer:
        page = await answer.text()
    assert "You can change it here for another 24 hours." in page
    assert 'value="2" required checked' in page
    assert "So &lt;so&gt;</textarea>" in page
    await sent(respondents, invitation, seen_version="1", QID1="5", QID2="So <so>")
    (response,) = await respondents.responses()
    assert (response["answers"], response["version"]) == ({"QID1": 5, "QID2_TEXT": "So <so>"}, 2)


async def test_another_score_clicked_in_the_mail_is_chosen_and_not_yet_sent(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    await sent(respondents, invitation, QID1="2", QID2="Slow")
    async with respondents.http.get(respondents.link(invitation, score="5")) as answer:
        page = await answer.text()
    assert 'value="5" required checked' in page
    assert "Slow</textarea>" in page
    (response,) = await respondents.responses()
    assert response["version"] == 1


async def test_a_comment_that_is_too_long_is_kept_in_the_form(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    await sent(respondents, invitation, QID1="4")
    form = {"seen_version": "1", "QID1": "4", "QID2": "x" * 5001}
    async with respondents.http.post(respondents.link(invitation), data=form) as answer:
        page = await answer.text()
    assert answer.status == 422
    assert "x" * 5001 in page
    assert dict(HIDDEN.findall(page))["seen_version"] == "1"


async def test_when_the_time_is_over_the_answer_stands(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    await sent(respondents, invitation, QID1="4")
    await respondents.database.pool.execute("UPDATE response SET recorded_at = now() - interval '25 hours'")
    page = await sent(respondents, invitation, seen_version="1", QID1="1")
    assert "You have already answered" in page
    query = f"Q_DL={invitation.link_token}"
    async with respondents.http.get(f"/jfe/form/{respondents.survey_id}/thanks?{query}") as thanks:
        assert "Change my answer" not in await thanks.text()
    (response,) = await respondents.responses()
    assert response["answers"] == {"QID1": 4}


async def test_a_survey_may_take_no_changes(respondents: Respondents) -> None:
    await respondents.take_no_changes()
    invitation = await respondents.invite()
    thanks = await sent(respondents, invitation, QID1="4")
    assert "Thank you!" in thanks
    assert "Anything to add?" not in thanks
    assert "Change my answer" not in thanks
    assert "You have already answered" in await sent(respondents, invitation, QID1="5")
    (response,) = await respondents.responses()
    assert (response["answers"], response["finished"]) == ({"QID1": 4}, True)


async def test_thanks_without_a_link_tell_nothing_of_an_answer(respondents: Respondents) -> None:
    await sent(respondents, await respondents.invite(), QID1="4")
    for query in ("", "?Q_DL=nobodys-token"):
        async with respondents.http.get(f"/jfe/form/{respondents.survey_id}/thanks{query}") as thanks:
            page = await thanks.text()
        assert "Thank you!" in page
        assert "<form" not in page
