"""The catalogue of piped text for a task: all that it offers can be used, and is shown with where it comes from."""

from datetime import UTC, datetime

import pytest
from tests.workflows.saving.test_checking import ANSWERED, FIELDS, JSON, KNOWN, SURVEY, TYPES, letter

from afterword.distributions.invitations import Invitation
from afterword.distributions.mail import render_mail
from afterword.piped_text import Pipe, parse
from afterword.surveys.definitions import Survey, csat_survey
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    JsonField,
    Schedule,
)
from afterword.workflows.saving.checking import check_definition
from afterword.workflows.saving.names import Names, invitation_names, run_names
from afterword.workflows.saving.unknown_names import problem

EVENTS: list[Event] = [
    JSON,
    JsonEvent("OC_1", (JsonField("100%25 {odd}?", "$.a"), JsonField("with space", "$.b"))),
    ConversationClosed("GA_1"),
    ANSWERED,
    Schedule("0 9 * * 1", "Europe/Berlin"),
]


def names_at(event: Event, position: int = 1) -> Names:
    return run_names(Definition(event, (letter(1), letter(2))), position, TYPES, SURVEY)


@pytest.mark.parametrize("event", EVENTS)
def test_everything_that_is_offered_is_known(event: Event) -> None:
    names = names_at(event)
    for name in (*names.offered, *invitation_names(names, ["CustomerId", "odd 50%"]).offered):
        (pipe,) = parse(name.pipe)
        assert isinstance(pipe, Pipe), name
        assert (
            problem(names, pipe) is None
            or problem(invitation_names(names, ["CustomerId", "odd 50%"]), pipe) is None
        )
        assert name.label
        assert name.origin


def test_what_is_offered_at_a_task_can_be_saved_there() -> None:
    offered = " ".join(name.pipe for name in names_at(JSON).offered)
    assert (
        check_definition(
            Definition(JSON, (letter(1), letter(2, lines=[{"field": "x", "value": offered}]))), TYPES, KNOWN
        )
        == []
    )


def test_names_tell_where_they_come_from_with_a_sample() -> None:
    definition = Definition(JSON, (letter(1),))
    offered = run_names(definition, 1, TYPES, samples={"customerId": "c-42"}).offered
    told = {name.pipe: (name.origin, name.sample) for name in offered}
    assert told["~{aedj://customerId}"] == ("JSON event", "c-42")
    assert told["~{ch://T-1/$.letterId}"] == ("Letter 1", "")
    assert told["${date://CurrentDate/Y-m-d}"] == ("Date (UTC)", "2026-11-24")


def test_only_tasks_that_come_before_offer_their_output() -> None:
    assert not [name for name in names_at(JSON, 0).offered if "ch://" in name.pipe]
    assert {name.origin for name in names_at(JSON, 1).offered if "ch://" in name.pipe} == {"Letter 1"}


def test_a_survey_offers_its_answers_by_the_words_of_the_question() -> None:
    offered = {name.pipe: name.label for name in names_at(ANSWERED).offered}
    assert offered["${q://QID1/SelectedChoicesRecode}"] == "Happy? (number of the choice)"
    assert offered["${q://QID2/ChoiceTextEntryValue}"] == "Why? (text)"
    assert {"${e://Field/CustomerId}", "${rm://Field/ResponseID}", "${m://FirstName}"} <= offered.keys()


def test_all_json_fields_are_offered() -> None:
    assert {f"~{{aedj://{field.name}}}" for field in FIELDS} <= {name.pipe for name in names_at(JSON).offered}


def test_everything_that_an_invitation_is_offered_is_filled_in_by_its_mail() -> None:
    names = invitation_names(names_at(JSON), ["CustomerId", "odd 50%"])
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    invitation = Invitation(
        id="EMD_0123456789abcde",
        survey_id="SV_1",
        contact_id="CID_1",
        link_token="token",
        email="ada@example.org",
        first_name="Ada",
        last_name="Lovelace",
        embedded_data={"CustomerId": "c1", "odd 50%": "x"},
        fields={"customerId": "c1", "customerEmailAddress": "ada@example.org"},
        from_name="Acme",
        subject="${date://CurrentDate/Y-m-d}",
        message=" ".join(name.pipe for name in names.offered),
        created_at=moment,
        send_at=moment,
        sent_at=None,
    )
    survey = Survey("SV_1", "CSAT", is_active=True, definition=csat_survey())
    mail = render_mail(invitation, survey, public_url="https://a.example", mail_from="a@a.example")
    assert str(mail["Subject"]) == "2026-11-24"
    text = mail.get_body(("plain",))
    assert text is not None
    assert "Ada Lovelace ada@example.org" in " ".join(text.get_content().split())
    assert "://" not in text.get_content().replace("https://a.example", "")
