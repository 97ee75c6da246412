import email
import html
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from aiosmtplib.email import flatten_message
from hypothesis import example, given, settings
from hypothesis import strategies as st

from afterword.distributions.invitations import DEFAULT_MESSAGE, DEFAULT_SUBJECT, Invitation
from afterword.distributions.mail import links, render_mail
from afterword.outcomes import Permanent
from afterword.piped_text import escaping
from afterword.surveys.definitions import Survey, csat_survey
from afterword.translating import speaking, translated

SURVEY = Survey("SV_1", "CSAT", True, csat_survey())
MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
]
LINE_ENDS = "\r\n\x0b\x0c\x1c\x85\u2028\u2029"

storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80)
"""What PostgreSQL keeps."""
sneaky = storable | st.builds("".join, st.lists(storable | st.sampled_from(LINE_ENDS)))


def invitation(**values: object) -> Invitation:
    plain: dict[str, object] = {
        "id": "EMD_0123456789abcde",
        "survey_id": "SV_1",
        "contact_id": "CID_1",
        "link_token": "a-link_token",
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "embedded_data": {},
        "fields": {},
        "from_name": "Acme",
        "subject": DEFAULT_SUBJECT,
        "message": DEFAULT_MESSAGE,
        "created_at": MOMENT,
        "send_at": MOMENT,
        "sent_at": None,
    }
    return Invitation(**{**plain, **values})  # type: ignore[arg-type]


def mail(public_url: str = "http://localhost:8700", **values: object) -> EmailMessage:
    return render_mail(invitation(**values), SURVEY, public_url=public_url, mail_from="survey@example.org")


def as_sent(message: EmailMessage) -> bytes:
    """The mail as the SMTP client writes it."""
    return flatten_message(message)


def as_received(message: EmailMessage) -> EmailMessage:
    received = email.message_from_bytes(as_sent(message), policy=policy.default)
    assert isinstance(received, EmailMessage)
    return received


def plain_text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_source(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


class Reader(HTMLParser):
    """What a mail program makes of the HTML: the text that it shows and the links in it."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.tags: set[str] = set()
        self._hidden = 0
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._hidden += tag in {"style", "title"}
        self.text += "\n" if tag == "br" else ""
        self.links += [str(value) for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data


def test_the_mail_greets_asks_and_leads_to_the_personal_link() -> None:
    message = as_received(mail())
    assert message["Subject"] == "How did we do?"
    assert (str(message["From"]), str(message["To"])) == (
        "Acme <survey@example.org>",
        "Ada Lovelace <ada@example.org>",
    )
    read = Reader(html_source(message))
    to = links("http://localhost:8700", invitation())
    assert "Hi Ada," in read.text
    assert read.links == [*(to.score(number) for number in (1, 2, 3, 4, 5)), to.opt_out]
    text = plain_text(message)
    assert text.startswith("Hi Ada,\n\nthank you")
    for number in (1, 2, 3, 4, 5):
        assert f": {to.score(number)}\n" in text
    assert to.opt_out in text


def test_a_survey_that_is_made_in_german_asks_in_german_whoever_sends_it() -> None:
    with speaking("de"):
        survey = Survey("SV_1", "CSAT", True, csat_survey())
        asking = invitation(subject=translated(DEFAULT_SUBJECT), message=translated(DEFAULT_MESSAGE))
    message = as_received(
        render_mail(asking, survey, public_url="http://localhost:8700", mail_from="survey@example.org")
    )
    assert message["Subject"] == "Wie war unser Service?"
    text = plain_text(message)
    assert text.startswith("Hallo Ada,\n\nvielen Dank")
    assert "Wie zufrieden sind Sie mit der Hilfe" in text
    assert "5 - Sehr zufrieden: http" in text
    assert "Kein Interesse an Umfragen? http" in text
    assert 'lang="de"' in html_source(message)


def test_the_same_invitation_is_the_same_mail_to_the_byte() -> None:
    assert as_sent(mail(first_name="健二")) == as_sent(mail(first_name="健二"))


def test_the_message_id_is_that_of_the_invitation() -> None:
    assert mail()["Message-ID"] == "<EMD_0123456789abcde@example.org>"


@pytest.mark.parametrize("message", [DEFAULT_MESSAGE, "Hi ${m://FirstName},\n\nhow was it?"])
def test_an_empty_name_is_said_kindly(message: str) -> None:
    told = as_received(mail(first_name="", last_name="", message=message))
    assert plain_text(told).startswith("Hi there,\n")
    assert "Hi there," in Reader(html_source(told)).text
    assert str(told["To"]) == "ada@example.org"


def test_the_one_click_form_is_offered_over_https_only() -> None:
    assert mail("http://localhost:8700")["List-Unsubscribe-Post"] is None
    over_https = mail("https://afterword.example.org")
    assert over_https["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert over_https["List-Unsubscribe"] == "<https://afterword.example.org/opt-out/a-link_token>"


def test_a_long_address_stays_whole_in_the_header() -> None:
    host = "https://" + ".".join(["a" * 60] * 3) + ".example.org"
    sent = as_sent(mail(host)).decode()
    assert f"\r\nList-Unsubscribe: <{host}/opt-out/a-link_token>\r\n" in sent


@settings(deadline=None)
@given(first_name=sneaky, last_name=sneaky, subject=sneaky, from_name=sneaky)
@example("Ada\r\nBcc: eve@example.org", "", "Hi\nX-Evil: yes\n\n<b>body</b>", "Acme\r\n\r\nbody")
@example("健二" * 50, "田中", "¿Cómo fue?" * 50, '"Acme", <eve@example.org>')
@example("=?utf-8?q?=0ABcc:_eve?=", "", "=?utf-8?b?Cg==?=", "")
def test_names_and_subject_cannot_add_headers(
    first_name: str, last_name: str, subject: str, from_name: str
) -> None:
    try:
        message = mail(first_name=first_name, last_name=last_name, subject=subject, from_name=from_name)
    except Permanent:
        return
    sent = as_sent(message)
    sent.decode("ascii")
    assert max(len(line) for line in sent.split(b"\r\n")) <= 998
    received = as_received(message)
    assert list(received.keys()) == HEADERS
    assert [address.addr_spec for address in received["To"].addresses] == ["ada@example.org"]
    assert [address.addr_spec for address in received["From"].addresses] == ["survey@example.org"]


@settings(deadline=None)
@given(name=sneaky)
@example("${l://SurveyLink}")
@example("${e://Field/CustomerId}")
@example("<script>alert(1)</script>")
@example("</mj-text><mj-raw><b>")
@example("{{ question.text }}{% raw %}")
@example("&amp; <b> &#60;")
@example("Tom\n& Jerry")
@example("]]>")
def test_a_name_stays_text(name: str) -> None:
    message = as_received(mail(first_name=name, embedded_data={"CustomerId": "SECRET"}))
    usual = Reader(html_source(as_received(mail())))
    read = Reader(html_source(message))
    printable = "".join(one if escaping.belongs_in_a_line(one) else " " for one in name)
    shown = " ".join(printable.replace("=?", "= ?").split()) or "there"
    assert f"Hi {shown}," in read.text
    assert f"Hi {shown}," in plain_text(message)
    assert read.links == usual.links
    assert read.tags <= usual.tags | {"br"}
    assert "SECRET" not in read.text


@settings(deadline=None)
@given(value=sneaky)
@example("\x01\ufffe]]>")
@example("</mj-text>\n\n<b>")
def test_a_value_in_the_message_stays_text(value: str) -> None:
    message = as_received(mail(message="[${e://Field/Order}]", embedded_data={"Order": value}))
    usual = Reader(html_source(as_received(mail())))
    read = Reader(html_source(message))
    assert read.links == usual.links
    assert read.tags <= usual.tags | {"br"}
    letters = [character for character in value if character.isalnum()]
    for told in (read.text, plain_text(message)):
        shown = told[told.index("[") : told.rindex("]")]
        assert [character for character in shown if character.isalnum()] == letters


def test_quoted_printable_lines_keep_to_their_limit() -> None:
    body = as_sent(mail(message="word " * 1000)).split(b"\r\n\r\n", 1)[1]
    assert max(len(line) for line in body.split(b"\r\n")) <= 76


def test_the_survey_stands_where_the_message_has_its_link() -> None:
    text = plain_text(mail(message="Before\n\n${l://SurveyLink?d=Go}\n\nAfter"))
    assert text.index("Before") < text.index("1 - Very unhappy") < text.index("After")


def test_a_link_within_a_sentence_is_a_link() -> None:
    told = mail(message="Take it ${l://SurveyLink?d=here & now}, or ${l://OptOutLink?d=leave}.")
    to = links("http://localhost:8700", invitation())
    assert f'<a href="{html.escape(to.survey)}">here &amp; now</a>' in html_source(told)
    assert f"here & now: {to.survey}, or leave: {to.opt_out}." in plain_text(told)


def test_embedded_data_and_fields_are_put_in() -> None:
    told = mail(
        subject="About ${e://Field/topic}",
        message="~{aedj://customerId} ${e://Field/none?d=nothing}",
        embedded_data={"Topic": "Shoes"},
        fields={"customerId": "C<1>"},
    )
    assert told["Subject"] == "About Shoes"
    assert "C<1> nothing" in plain_text(told)
    assert "C<1> nothing" in Reader(html_source(told)).text


def test_a_value_that_no_invitation_has_is_named() -> None:
    with pytest.raises(Permanent, match="aedj://orderId") as failed:
        mail(message="${aedj://orderId}")
    assert failed.value.reason.code == "piped-text-unknown"
