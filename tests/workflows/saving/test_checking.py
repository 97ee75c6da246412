"""The check on saving: every mistake of a definition, where it stands, and what was perhaps meant."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from afterword.accounts.secrets import SecretBox
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.surveys.definitions import Survey, add_survey, csat_survey
from afterword.surveys.outlines import OutlinedChoice, OutlinedQuestion, SurveyOutline, outline
from afterword.tasks.contract import EmbeddedDataName, Piped
from afterword.tasks.planning import PlanningTasks
from afterword.translating import speaking
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    JsonField,
    Schedule,
    SurveyResponse,
    Task,
)
from afterword.workflows.saving.checking import Known, Mistake, check_definition
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.templates import (
    gladly_to_json_event,
    json_event_to_survey,
    response_to_gladly,
)


class Line(msgspec.Struct, frozen=True):
    field: Annotated[str, EmbeddedDataName(), Meta(min_length=1)]
    value: Annotated[str, Piped()]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration with what configurations have."""

    account: Annotated[str, Meta(extra_json_schema={"format": "gladly-account"})] = ""
    mailing_list: Annotated[str, Meta(extra_json_schema={"format": "mailing-list"})] = ""
    survey: Annotated[str, Meta(extra_json_schema={"format": "survey"})] = ""
    email: Annotated[str, Piped(), Meta(max_length=200)]
    lines: tuple[Line, ...] = ()
    body: Annotated[str, Piped("json")] = ""
    message: Annotated[str, Piped(of="invitation")] = ""
    times: Annotated[int, Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        if self.times > 1 and not self.body:
            raise ValueError("times: there is no body to be sent more than once")


class LetterTask:
    configuration = Letter

    def outputs(self, _: Letter) -> tuple[str, ...]:
        return ("letterId", "sentAt")


class UnforeseenTask:
    configuration = Letter

    def outputs(self, _: Letter) -> None:
        return None


TYPES: Any = {"letter": LetterTask(), "unforeseen": UnforeseenTask()}
SURVEY = SurveyOutline(
    "SV_1",
    "CSAT",
    (
        OutlinedQuestion("QID1", "Happy?", choices=(OutlinedChoice("1", "Yes", "1"),)),
        OutlinedQuestion("QID2", "Why?"),
    ),
    ("CustomerId", "ConversationId"),
)
KNOWN = Known(
    accounts={"GA_1": "gladly", "QA_1": "qualtrics"},
    surveys={"SV_1": SURVEY},
    mailing_lists=frozenset({"CG_1"}),
    endpoints=frozenset({"OC_1"}),
)
FIELDS = (JsonField("customerId", "$.customerId"), JsonField("customerEmailAddress", "$.email"))
JSON = JsonEvent("OC_1", FIELDS)
ANSWERED = SurveyResponse("SV_1")
ADDRESS = "~{aedj://customerEmailAddress}"


def letter(number: int = 1, *, type_: str = "letter", **configuration: Any) -> Task:
    return Task(f"T-{number}", type_, f"Letter {number}", {"email": "a@example.com", **configuration})


def check(event: Event, *tasks: Task, conditions: Group | None = None) -> list[Mistake]:
    return check_definition(Definition(event, tasks, conditions), TYPES, KNOWN)


def only(found: list[Mistake]) -> Mistake:
    assert len(found) == 1, found
    return found[0]


def of_text(text: str, event: Event = JSON, **configuration: Any) -> str:
    mistake = only(check(event, letter(email=text, **configuration)))
    assert mistake.path == "tasks[0].configuration.email"
    return mistake.words


def test_a_definition_without_mistakes_has_none() -> None:
    first = letter(
        account="GA_1",
        mailing_list="CG_1",
        survey="SV_1",
        email=ADDRESS,
        lines=[{"field": "CustomerId", "value": "~{aedj://customerId}"}],
        body='{"id": "~{aedj://customerId}", "at": "${date://CurrentDate/c}", "n": ${rand://int/1:6}}',
        message="Hi ${m://FirstName?d=there}, ${l://SurveyLink?d=here} ${e://Field/customerID} ${aedj://customerId}",
        times=2,
    )
    second = letter(2, email="~{ch://T-1/$.letterId} ~{ch://T-1/sentAt?d=never}")
    conditions = Group("all", (Comparison("~{aedj://customerId}", "is not empty"),))
    assert check(JSON, first, second, conditions=conditions) == []


def test_a_workflow_may_be_saved_before_it_has_fields_or_tasks() -> None:
    assert check(JsonEvent("OC_1")) == []


def test_all_mistakes_are_told_each_at_its_place() -> None:
    conditions = Group("all", (Comparison("~{aedj://nothing}", "matches", "("),))
    found = check(
        JsonEvent("OC_9", (JsonField("a", "a"), JsonField("A", "$.a"))),
        Task("T-1", "lettre", "x"),
        letter(1, email="~{aedj://b", lines=[{"field": "", "value": "${e://Field/X}"}], times=0, tines=3),
        conditions=conditions,
    )
    assert [mistake.path for mistake in found] == [
        "event.endpoint",
        "event.fields[0].name",
        "event.fields[0].path",
        "event.fields[1].name",
        "conditions[0].value",
        "conditions[0].field",
        "tasks[0].id",
        "tasks[0].type",
        "tasks[1].id",
        "tasks[1].configuration.tines",
        "tasks[1].configuration.lines[0].field",
        "tasks[1].configuration.times",
        "tasks[1].configuration.email",
        "tasks[1].configuration.lines[0].value",
    ]
    assert "did you mean “times”?" in found[9].words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("~{aedj://customerID}", "did you mean aedj://customerId?"),
        ("~{aedj://customerEmailAdress}", "did you mean aedj://customerEmailAddress?"),
        ("${e://Field/customerId}", "did you mean aedj://customerId?"),
        ("~{aedj://shoeSize}", "not known here"),
        ("${loc://City}", "nothing has values of the kind loc://"),
        ("~{aedk://customerId}", "did you mean aedj://?"),
        ("${q://QID1/QuestionText}", "not known here"),
        ("${m://FirstName}", "not known here"),
        ("~{aedj://customerId", "never closed"),
        ("{aedj://customerId}", "lacks its sign"),
        ("~{customerid}", "write ~{aedj://customerId}"),
        ("${date://CurrentDate}", "is no date"),
        ("${date://OtherDate/Y/soon}", "is no date"),
        ("${rand://int/6:1}", "is no range"),
        ("~{ch://T-9/$.a}", "a task that there is not"),
        ("~{ch://T-1/$.a}", "does not come before"),
        ("~{ch://T-2/$.a}", "a task that there is not"),
    ],
)
def test_piped_text_that_is_unknown_or_malformed_is_told_with_what_was_meant(text: str, words: str) -> None:
    assert words in of_text(f"a {text} b")


@pytest.mark.parametrize("text", ["costs ${5}", "${HOME}", "{ braces }", "100 %"])
def test_text_that_is_meant_as_it_stands_is_no_mistake(text: str) -> None:
    assert check(JSON, letter(email=text)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${q://QID1/SelectedChoicesRecode}", None),
        ("${q://QID2/ChoiceTextEntryValue}", None),
        ("${e://Field/customerid} ${e://Field/ResponseID} ${rm://Field/RecordedDate} ${m://Email}", None),
        ("~{aedj://responseId}", None),
        ("${e://Field/CustomrId}", "did you mean e://Field/CustomerId"),
        ("${e://CustomerId}", "did you mean e://Field/CustomerId"),
        ("${q://QID3/QuestionText}", "not known here"),
        ("${q://QID1/SelectedChoiceRecode}", "did you mean q://QID1/SelectedChoicesRecode"),
        ("${q://QID2/ChoiceGroup/SelectedChoices}", "did you mean q://QID1/ChoiceGroup/SelectedChoices"),
    ],
)
def test_a_surveys_own_questions_and_embedded_data_are_known(text: str, words: str | None) -> None:
    found = check(ANSWERED, letter(email=text))
    assert found == [] if words is None else words in only(found).words


def test_the_names_of_a_conversation_and_of_a_schedule_are_known() -> None:
    assert check(ConversationClosed("GA_1"), letter(email="~{aedj://inboxId}")) == []
    assert check(Schedule("0 9 * * 1"), letter(email="~{aedj://scheduledFor}")) == []


def test_an_invitation_has_names_of_its_own() -> None:
    lines = [{"field": "CustomerId", "value": "x"}]
    assert check(JSON, letter(lines=lines, message="${e://Field/CustomerId} ${l://OptOutURL}")) == []
    for text in ("${e://Field/AgentId}", "~{ch://T-1/$.a}", "${m://Phone}", "${l://SurveyLnk}"):
        mistake = only(check(JSON, letter(lines=lines, message=text)))
        assert mistake.path == "tasks[0].configuration.message"


def test_an_output_is_checked_as_far_as_its_task_tells_its_names() -> None:
    wrong = only(check(JSON, letter(), letter(2, email="~{ch://T-1/$.leterId}")))
    assert (wrong.path, "letterId" in wrong.words) == ("tasks[1].configuration.email", True)
    unforeseen = letter(1, type_="unforeseen")
    assert check(JSON, unforeseen, letter(2, email="~{ch://T-1/$.anything[0]['x y']}")) == []
    assert "JSONPath" in only(check(JSON, unforeseen, letter(2, email="~{ch://T-1/$.[}"))).words


def test_what_is_not_there_cannot_be_named() -> None:
    found = check(JSON, letter(account="GA_9", mailing_list="CG_9", survey="SV_9"))
    assert [mistake.path.rpartition(".")[2] for mistake in found] == ["account", "mailing_list", "survey"]
    assert "is no Gladly account" in only(check(JSON, letter(account="QA_1"))).words
    assert only(check(ConversationClosed("GA_9"))).path == "event.account"
    assert (
        only(check(SurveyResponse("SV_9"), letter(email="${q://QID7/QuestionText}"))).path == "event.survey"
    )
    assert only(check(SurveyResponse("SV_1", kinds=()))).path == "event.kinds"


def test_a_connected_accounts_survey_that_nobody_has_read_is_not_guessed_at() -> None:
    event = SurveyResponse("SV_q", account="QA_1")
    assert check(event, letter(email="${q://QID7/QuestionText}")) == []
    known = msgspec.structs.replace(KNOWN, account_surveys={("QA_1", "SV_q"): SURVEY})
    definition = Definition(event, (letter(email="${q://QID7/QuestionText}"),))
    assert check_definition(definition, TYPES, known)


def test_a_schedule_that_never_comes_is_told() -> None:
    found = check(Schedule("every day", "Europe/Atlantis"))
    assert {mistake.path for mistake in found} == {"event.cron", "event.time_zone"}


def test_a_text_that_does_not_suit_its_place_is_told() -> None:
    assert "not JSON" in only(check(JSON, letter(body='{"a": ~{aedj://customerId}'))).words


def test_fields_that_do_not_go_together_are_told() -> None:
    mistake = only(check(JSON, letter(times=2)))
    assert (mistake.path, mistake.words) == (
        "tasks[0].configuration",
        "times: there is no body to be sent more than once",
    )


def test_there_are_limits() -> None:
    too_many = [letter(number) for number in range(101)]
    assert only(check(JSON, *too_many)).path == "tasks"
    long = only(check(JSON, letter(message="x" * 100_001)))
    assert long.path == "tasks[0].configuration.message"
    assert only(check(JSON, letter(message="x" * 1_000_001))).path == ""
    many = JsonEvent("OC_1", tuple(JsonField(f"f{number}", "$.a") for number in range(201)))
    assert only(check(many)).path == "event.fields"


@pytest.mark.parametrize("task_id", ["", "T/1", "a b", "{T}", "x" * 65, "-"])
def test_a_tasks_id_can_be_named_in_piped_text(task_id: str) -> None:
    assert only(check(JSON, Task(task_id, "letter", "x", {"email": ""}))).path == "tasks[0].id"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=20)
    | st.sampled_from(["~{aedj://x}", "${e:"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["email", "lines", "field", "value", "body", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["email", "lines", "body", "times", "account", "x"]), anything))
def test_whatever_is_saved_as_a_configuration_is_told_and_never_raises(configuration: dict[str, Any]) -> None:
    definition = Definition(JSON, (Task("T-1", "letter", "x", configuration),))
    found = check_definition(definition, TYPES, KNOWN)
    fits = True
    try:
        msgspec.convert(configuration, Letter)
    except msgspec.ValidationError:
        fits = False
    assert fits or found


async def test_the_check_knows_what_the_installation_has(database: Database) -> None:
    check_saved = check_on_saving(TYPES)
    async with database.transaction() as connection:
        survey = await add_survey(connection, name="CSAT", definition=csat_survey())
        text = "${e://Field/CustomerId} ${q://QID1/SelectedChoicesRecode}"
        good = Definition(SurveyResponse(survey), (letter(email=text, survey=survey),))
        assert await check_saved(connection, good) == []
        bad = Definition(SurveyResponse(survey), (letter(email="${q://QID9/QuestionText}", account="GA_1"),))
        assert len(await check_saved(connection, bad)) == 2


async def test_the_guides_own_workflows_have_no_mistakes(database: Database, tmp_path: Path) -> None:
    settings = Settings.load({}, data_dir=tmp_path)
    planning = PlanningTasks(settings, database, SecretBox.open(settings))
    survey = outline(Survey("SV_1", "CSAT", is_active=True, definition=csat_survey()))
    known = msgspec.structs.replace(KNOWN, surveys={"SV_1": survey})
    with speaking("de"):
        in_german = json_event_to_survey("OC_1", "CG_1", "SV_1")
    assert in_german.tasks[0].configuration["subject"] == "Wie war unser Service?"
    for definition in (
        gladly_to_json_event("GA_1", "QA_1"),
        json_event_to_survey("OC_1", "CG_1", "SV_1"),
        in_german,
        response_to_gladly("SV_1", "GA_1"),
    ):
        assert check_definition(definition, planning.types, known) == []
    await planning.close()
