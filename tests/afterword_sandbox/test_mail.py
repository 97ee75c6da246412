"""The mail catcher, from SMTP to its JSON and pages."""

import asyncio
import signal
import smtplib
from email.message import EmailMessage
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword_sandbox.mail.reading import read_mail


async def send(sandbox: Any, raw: bytes, sender: str = "survey@us.example", to: tuple[str, ...] = ()) -> None:
    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as smtp:
            smtp.sendmail(sender, to, raw)

    await asyncio.to_thread(deliver)


async def messages(sandbox: Any, **query: str) -> list[dict[str, Any]]:
    async with (
        aiohttp.ClientSession(sandbox.mail_url) as page,
        page.get("/messages", params=query) as answer,
    ):
        assert answer.status == 200
        listed: list[dict[str, Any]] = await answer.json()
    return listed


def invitation(to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Juniper & Pine <survey@us.example>"
    mail["To"] = to
    mail["Subject"] = "Wie war's, Jürgen? 佐藤"
    mail["Message-ID"] = "<invitation.1@us.example>"
    mail["List-Unsubscribe"] = "<https://us.example/u/1>, <mailto:u@us.example>"
    mail["X-Twice"] = "one"
    mail["X-Twice"] = "two"
    mail.set_content("Grüße\nhttps://us.example/s/1?score=5\n")
    mail.add_alternative(
        "<html><head></head><body><a href='https://us.example/s/1'>5</a></body></html>", "html"
    )
    mail.add_attachment("not the text", filename="notes.txt")
    return mail


async def test_a_mail_is_listed_with_all_that_it_says(sandbox: Any) -> None:
    await send(
        sandbox, invitation("rich@mail.example").as_bytes(), to=("Rich@mail.example", "bcc@mail.example")
    )
    (mail,) = await messages(sandbox, to="rich@MAIL.example")
    assert set(mail) == {"id", "from", "to", "subject", "received_at", "headers", "text", "html"}
    assert mail["from"] == "Juniper & Pine <survey@us.example>"
    assert mail["to"] == ["Rich@mail.example", "bcc@mail.example"]
    assert mail["subject"] == "Wie war's, Jürgen? 佐藤"
    assert mail["received_at"].endswith("Z")
    assert mail["headers"]["Message-ID"] == ["<invitation.1@us.example>"]
    assert mail["headers"]["List-Unsubscribe"] == ["<https://us.example/u/1>, <mailto:u@us.example>"]
    assert mail["headers"]["X-Twice"] == ["one", "two"]
    assert mail["text"] == "Grüße\nhttps://us.example/s/1?score=5\n"
    assert "<a href='https://us.example/s/1'>5</a>" in mail["html"]
    assert [found["id"] for found in await messages(sandbox, to="bcc@mail.example")] == [mail["id"]]


async def test_the_newest_comes_first_and_a_limit_keeps_the_newest(sandbox: Any) -> None:
    for number in range(3):
        await send(sandbox, f"Subject: mail {number}\r\n\r\nx".encode(), to=("order@mail.example",))
    subjects = [mail["subject"] for mail in await messages(sandbox, to="order@mail.example")]
    assert subjects == ["mail 2", "mail 1", "mail 0"]
    assert [mail["subject"] for mail in await messages(sandbox, limit="2")] == subjects[:2]
    assert await messages(sandbox, limit="0") == []
    async with aiohttp.ClientSession(sandbox.mail_url) as page, page.get("/messages?limit=all") as answer:
        assert answer.status == 400


LATIN_1 = (
    b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\nsch\xf6n\r\n"
)


@pytest.mark.parametrize(
    ("raw", "subject", "text"),
    [
        (b"Subject: Gr\xfc\xdfe\r\n\r\nsch\xf6n\r\n", "Gr\ufffd\ufffde", "sch\ufffdn\n"),
        (LATIN_1, "Grüße", "schön\n"),
        (b"Subject: x\r\nContent-Type: text/plain; charset=klingon\r\n\r\nhi\r\n", "x", "hi\n"),
        (b"no header at all\r\n", "", "no header at all\n"),
        (b"\r\n\r\n", "", "\n"),
        (b"Subject: long line\r\n\r\n" + b"x" * 5000 + b"\r\n", "long line", "x" * 5000 + "\n"),
    ],
)
async def test_a_broken_mail_is_caught_all_the_same(
    sandbox: Any, raw: bytes, subject: str, text: str
) -> None:
    await send(sandbox, raw, to=("broken@mail.example",))
    mail = (await messages(sandbox, to="broken@mail.example", limit="1"))[0]
    assert (mail["subject"], mail["text"], mail["html"]) == (subject, text, None)


async def test_more_than_25_mb_are_refused(sandbox: Any) -> None:
    line = b"x" * 998 + b"\r\n"
    with pytest.raises(smtplib.SMTPException):
        await send(sandbox, b"Subject: big\r\n\r\n" + line * 27_000, to=("big@mail.example",))
    await send(sandbox, b"Subject: big\r\n\r\n" + line * 20_000, to=("big@mail.example",))
    assert len((await messages(sandbox, to="big@mail.example"))[0]["text"]) > 19_000_000


async def test_a_mail_once_accepted_survives_a_kill(start_sandbox: Any) -> None:
    sandbox = start_sandbox()
    for number in range(20):
        await send(sandbox, f"Subject: {number}\r\n\r\nx".encode(), to=("kept@mail.example",))
    sandbox.end(signal.SIGKILL)
    sandbox.start()
    kept = [mail["subject"] for mail in await messages(sandbox)]
    assert kept == [str(number) for number in reversed(range(20))]
    async with sandbox.client() as gladly, gladly.delete("/_sandbox/mails") as answer:
        assert answer.status == 204
    assert await messages(sandbox) == []


async def test_the_pages_show_a_mail_with_its_html_boxed_in(sandbox: Any) -> None:
    mail = invitation("page@mail.example")
    del mail["Subject"]
    mail["Subject"] = "<script>alert(1)</script>"
    await send(sandbox, mail.as_bytes(), to=("page@mail.example",))
    mail_id = (await messages(sandbox, to="page@mail.example"))[0]["id"]
    async with aiohttp.ClientSession(sandbox.mail_url) as page:
        for path in ("/", f"/mails/{mail_id}"):
            async with page.get(path) as answer:
                html = await answer.text()
            assert "<script>alert" not in html
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert f'src="/mails/{mail_id}/html"' in html
        assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in html
        async with page.get(f"/mails/{mail_id}/html") as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert '<head><base target="_blank"></head>' in await answer.text()
        assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
        assert "script-src" not in policy
        for path in ("/mails/none", "/mails/none/html"):
            async with page.get(path) as answer:
                assert answer.status == 404


async def test_an_empty_mail_page_says_what_to_do(start_sandbox: Any) -> None:
    sandbox = start_sandbox()
    async with aiohttp.ClientSession(sandbox.mail_url) as page, page.get("/") as answer:
        html = await answer.text()
    assert "Close a conversation" in html
    assert sandbox.url in html
    assert str(sandbox.smtp_port) in html


@given(st.binary(max_size=400) | st.text(max_size=100).map(lambda text: f"Subject: {text}\n\nx".encode()))
def test_any_bytes_are_a_mail_that_can_be_stored(raw: bytes) -> None:
    content = read_mail(raw)
    texts = [content.sender, content.subject, content.text or "", content.html or "", *content.headers]
    assert "".join(texts).encode("utf-8").decode("utf-8") == "".join(texts)
