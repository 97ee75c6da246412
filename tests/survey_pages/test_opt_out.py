import pytest
from tests.fixtures.respondents import Respondents

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_the_page_changes_nothing(respondents: Respondents, method: str) -> None:
    invitation = await respondents.invite()
    async with respondents.http.request(method, f"/opt-out/{invitation.link_token}") as answer:
        assert answer.status == 200
    assert not await respondents.has_opted_out(invitation)


async def test_the_button_opts_out_and_can_be_pressed_again(respondents: Respondents) -> None:
    invitation = await respondents.invite()
    address = f"/opt-out/{invitation.link_token}"
    async with respondents.http.get(address) as before:
        assert "Stop sending me surveys" in await before.text()
    for _ in range(2):
        async with respondents.http.post(address) as answer:
            page = await answer.text()
            assert answer.status == 200
            assert answer.history[0].status == 303
            assert "We will not send surveys to <strong>ada@example.org</strong> any more." in page
            assert "<button" not in page
    assert await respondents.has_opted_out(invitation)


@pytest.mark.parametrize("as_parts", [True, False])
async def test_the_one_click_of_mail_programs_opts_out_without_a_redirect(
    respondents: Respondents, as_parts: bool
) -> None:
    invitation = await respondents.invite()
    address = f"/opt-out/{invitation.link_token}"
    if as_parts:
        body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
    else:
        body, headers = b"List-Unsubscribe=One-Click", {"Content-Type": "application/x-www-form-urlencoded"}
    async with respondents.http.post(address, data=body, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 200
    assert await respondents.has_opted_out(invitation)


async def test_only_the_contact_of_the_link_is_opted_out(respondents: Respondents) -> None:
    leaving, staying = await respondents.invite("ada@example.org"), await respondents.invite("bo@example.org")
    async with respondents.http.post(f"/opt-out/{leaving.link_token}", data=ONE_CLICK):
        pass
    assert await respondents.has_opted_out(leaving)
    assert not await respondents.has_opted_out(staying)


async def test_a_link_that_is_nobodys_is_told_kindly(respondents: Respondents) -> None:
    for token in ("nobodys-token", "%00", "x" * 500, "..%2Fjfe"):
        for method in ("GET", "POST"):
            async with respondents.http.request(method, f"/opt-out/{token}") as answer:
                assert answer.status == 404, token
