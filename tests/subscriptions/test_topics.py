"""What can be subscribed to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.subscriptions.topics import (
    COMPLETED_RESPONSE,
    UnknownTopic,
    never_happening,
    parse_topics,
    patterns_of,
    surveys_of,
)

SURVEY = "SV_aaaaaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("topics", "named"),
    [
        ("*", ("*",)),
        (f"surveyengine.completedResponse.{SURVEY}", (f"surveyengine.completedResponse.{SURVEY}",)),
        ("threesixty.created , *,*", ("threesixty.created", "*")),
        ("controlpanel.activateSurvey", ("controlpanel.activateSurvey",)),
        ("surveyengine.partialResponse.SV_*", ("surveyengine.partialResponse.SV_*",)),
        ("threesixty.*", ("threesixty.*",)),
    ],
)
def test_qualtrics_topics_are_read(topics: str, named: tuple[str, ...]) -> None:
    assert parse_topics(topics) == named


@pytest.mark.parametrize(
    "topics",
    [
        "",
        " ",
        ",",
        "*,",
        "surveyengine.completedResponse",
        "surveyengine.completedResponse.",
        "surveyengine.completedResponse.SV_1",
        "surveyengine.completedResponse.SV_*x",
        "SurveyEngine.completedResponse.SV_*",
        "afterword.surveyengine.completedResponse.SV_*",
        ".*",
        "x.*",
        "surveyengine.completed.*",
        "*" * 3000,
        ",".join(f"surveyengine.completedResponse.SV_{number:015}" for number in range(51)),
    ],
)
def test_what_is_no_topic_is_refused(topics: str) -> None:
    with pytest.raises(UnknownTopic, match="topics"):
        parse_topics(topics)


@given(st.text(alphabet=st.sampled_from("*.,SV_ surveyengine\x00completedResponse"), max_size=80))
def test_any_text_is_read_or_refused_and_what_is_read_means_what_it_says(topics: str) -> None:
    try:
        named = parse_topics(topics)
    except UnknownTopic:
        return
    assert named
    assert all(topic == topic.strip() and "," not in topic for topic in named)
    never = set(never_happening(named))
    for topic in named:
        happens = topic in patterns_of(COMPLETED_RESPONSE, topic.rpartition(".")[2])
        assert happens != (topic in never)


def test_the_surveys_that_topics_name_are_known() -> None:
    assert surveys_of(
        ("*", "surveyengine.partialResponse.SV_*", f"surveyengine.completedResponse.{SURVEY}")
    ) == {SURVEY}
