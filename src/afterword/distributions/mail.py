"""An invitation made into a mail: a pure function, so that a repeat is the same mail to the byte."""

import functools
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import jinja2
import msgspec

from afterword.distributions.invitations import Invitation
from afterword.distributions.messages import Envelope, compose, mjml_to_html
from afterword.outcomes import Permanent, Reason
from afterword.piped_text import (
    Pipe,
    Ready,
    Source,
    UnknownPipe,
    dates_source,
    escaping,
    parse,
    random_source,
    render,
)
from afterword.surveys.definitions import ScoreQuestion, Survey
from afterword.translating import best_language, said, speaking, translated
from afterword.translating import gettext as _

GREETING_WITHOUT_NAME = "there"


CONTACT_NAMES = ("FirstName", "LastName", "Email")
LINK_NAMES = ("SurveyLink", "SurveyURL", "OptOutLink", "OptOutURL")
"""What the piped text of a mail can ask for by ``m://`` and ``l://``."""


class Links(msgspec.Struct, frozen=True):
    """The addresses that a mail points to."""

    survey: str
    opt_out: str

    def score(self, recode: int) -> str:
        """The survey with this score preselected; opening it stores nothing."""
        return f"{self.survey}&{urlencode({'score': recode})}"


def links(public_url: str, invitation: Invitation) -> Links:
    """The personal links of an invitation."""
    base = public_url.rstrip("/")
    query = urlencode({"Q_DL": invitation.link_token, "Q_CHL": "email"})
    return Links(
        survey=f"{base}/jfe/form/{invitation.survey_id}?{query}",
        opt_out=f"{base}/opt-out/{invitation.link_token}",
    )


def render_mail(
    invitation: Invitation,
    survey: Survey,
    *,
    public_url: str,
    mail_from: str,
    leading_to: Links | None = None,
) -> EmailMessage:
    """Make the mail: HTML and plain text, with the score to click in it.

    Its links are the invitation's, unless it is ``leading_to`` others. What is nobody's own words is said in the
    language of the survey's texts.

    Raises:
        Permanent: the subject or message asks for a value that an invitation does not have.
    """
    to = leading_to or links(public_url, invitation)
    try:
        with speaking(best_language(survey.definition.texts.language)):
            subject = render(invitation.subject, *_sources(invitation, to, escaping.text))
            text = _text_body(invitation, survey, to)
            body = _html_body(invitation, survey, to, subject)
    except UnknownPipe as error:
        raise Permanent(
            Reason(
                "piped-text-unknown",
                said("the mail's text asks for %(pipe)s, which an invitation does not have", pipe=error.pipe),
                {"pipe": str(error.pipe)},
            )
        ) from None
    return _message(invitation, to, mail_from=mail_from, subject=subject, text=text, html_body=body)


def warm_up() -> None:
    """Load what the first mail would otherwise wait for; may be called in a thread."""
    import mrml  # noqa: F401, PLC0415

    _template()


def _message(
    invitation: Invitation, to: Links, *, mail_from: str, subject: str, text: str, html_body: str
) -> EmailMessage:
    one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    envelope = Envelope(
        id=invitation.id,
        mail_from=mail_from,
        from_name=invitation.from_name,
        to=[(f"{invitation.first_name} {invitation.last_name}", invitation.email)],
        reply_to=invitation.reply_to,
        subject=subject,
        date=invitation.send_at,
        unfolded={"List-Unsubscribe": f"<{to.opt_out}>"},
        plain=one_click if urlsplit(to.opt_out).scheme == "https" else {},
    )
    return compose(envelope, text=text, html=html_body)


def _sources(invitation: Invitation, to: Links, escape: Callable[[str], str]) -> tuple[Source, ...]:
    embedded = {name.casefold(): value for name, value in invitation.embedded_data.items()}
    contact = {
        "FirstName": escaping.header(invitation.first_name) or GREETING_WITHOUT_NAME,
        "LastName": escaping.header(invitation.last_name),
        "Email": invitation.email,
    }

    def value(pipe: Pipe) -> str | None:
        match pipe.scheme:
            case "m":
                if pipe.path == "FirstName" and not invitation.first_name and pipe.default is not None:
                    return ""
                return contact.get(pipe.path)
            case "e":
                return embedded.get(pipe.path.removeprefix("Field/").casefold(), "")
            case "aedj":
                return invitation.fields.get(pipe.path)
            case "l":
                return _link(pipe, to, escape)
            case _:
                return None

    return (value, dates_source(invitation.send_at), random_source(invitation.id))


def _link(pipe: Pipe, to: Links, escape: Callable[[str], str]) -> Ready | None:
    targets = {
        "SurveyLink": (to.survey, _("Take the survey")),
        "OptOutLink": (to.opt_out, "Unsubscribe"),
    }
    if pipe.path in targets:
        address, words = targets[pipe.path]
        words = pipe.default or words
        if escape is escaping.text:
            return Ready(f"{words}: {address}")
        return Ready(f'<a href="{escape(address)}">{escape(words)}</a>')
    bare = {"SurveyURL": to.survey, "OptOutURL": to.opt_out}.get(pipe.path)
    return None if bare is None else Ready(escape(bare))


def _paragraphs(message: str) -> tuple[list[str], list[str]]:
    """The message's paragraphs before and after the place of the survey: where its link stands alone, or the end."""
    paragraphs = [part.strip() for part in message.replace("\r\n", "\n").split("\n\n") if part.strip()]
    for index, paragraph in enumerate(paragraphs):
        pieces = parse(paragraph)
        if len(pieces) == 1 and isinstance(pieces[0], Pipe) and pieces[0].path == "SurveyLink":
            return paragraphs[:index], paragraphs[index + 1 :]
    return paragraphs, []


def _text_body(invitation: Invitation, survey: Survey, to: Links) -> str:
    sources = _sources(invitation, to, escaping.text)
    before, after = (
        [render(part, *sources, escape=escaping.text) for part in parts]
        for parts in _paragraphs(invitation.message)
    )
    question = survey.definition.score_question()
    asked = [_text_question(question, to)] if question else [to.survey]
    return "\n\n".join([*before, *asked, *after, f"{_('Not interested in surveys?')} {to.opt_out}"]) + "\n"


def _text_question(question: ScoreQuestion, to: Links) -> str:
    lines = [f"{choice.recode} - {choice.text}: {to.score(choice.recode)}" for choice in question.choices]
    return "\n".join([question.text, *lines])


def _html_body(invitation: Invitation, survey: Survey, to: Links, subject: str) -> str:
    sources = _sources(invitation, to, escaping.html)
    before, after = (
        [
            Ready(
                render(part, *sources, escape=escaping.html, escape_text=escaping.html).replace("\n", "<br>")
            )
            for part in parts
        ]
        for parts in _paragraphs(invitation.message)
    )
    mjml = _template().render(
        subject=escaping.header(subject),
        language=survey.definition.texts.language,
        before=before,
        after=after,
        question=survey.definition.score_question(),
        links=to,
    )
    return mjml_to_html(mjml)


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["ready"] = _markup
    environment.globals["_"] = translated
    return environment.get_template("invitation.mjml")


def _markup(text: Ready) -> str:
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(text)  # noqa: S704 - made by render(), which escapes
