"""The vendors' guide as templates: what its three Workflows say, given the ids of what they use. Pure."""

from afterword.distributions.invitations import DEFAULT_FROM_NAME, DEFAULT_MESSAGE, DEFAULT_SUBJECT
from afterword.qualtrics.json_event import EMBEDDED_DATA, FIELDS
from afterword.translating import ENGLISH, N_, spoken, translated
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    JsonEvent,
    JsonField,
    SurveyResponse,
    Task,
)

TELL_NAME = "Gladly Qualtrics App: tell that a conversation was closed"
ASK_NAME = "Gladly Triggered Survey"
ANSWER_NAME = "Send Survey Response to Gladly"


def gladly_to_json_event(gladly_account_id: str, qualtrics_account_id: str) -> Definition:
    """The guide's *Gladly Qualtrics App*: what it does when a Conversation is closed."""
    return Definition(
        event=ConversationClosed(account=gladly_account_id),
        tasks=(
            Task(
                id="T-1",
                type="send-json-event",
                label=N_("Send JSON event"),
                configuration={
                    "gladly_account": gladly_account_id,
                    "qualtrics_account": qualtrics_account_id,
                },
            ),
        ),
    )


def json_event_to_survey(endpoint_id: str, mailing_list_id: str, survey_id: str) -> Definition:
    """The guide's *Gladly Triggered Survey*: steps 4 to 11."""
    return Definition(
        event=JsonEvent(endpoint=endpoint_id, fields=tuple(JsonField(name, f"$.{name}") for name in FIELDS)),
        tasks=(
            Task(
                id="T-1",
                type="distribute-survey",
                label=N_("XM Directory: Distribute survey"),
                configuration={
                    "mailing_list": mailing_list_id,
                    "first_name": "~{aedj://customerFirstName}",
                    "last_name": "~{aedj://customerLastNames}",
                    "email": "~{aedj://customerEmailAddress}",
                    "embedded_data": [
                        {"field": name, "value": f"~{{aedj://{name}}}"} for name in EMBEDDED_DATA
                    ],
                    "survey": survey_id,
                    "delay_seconds": 0,
                    **_letter(),
                },
            ),
        ),
    )


def _letter() -> dict[str, str]:
    """What the mail says, in the language that is spoken; in English it is what the task type says by itself."""
    if spoken() == ENGLISH:
        return {}
    return {
        "from_name": translated(DEFAULT_FROM_NAME),
        "subject": translated(DEFAULT_SUBJECT),
        "message": translated(DEFAULT_MESSAGE),
    }


def response_to_gladly(
    survey_id: str,
    gladly_account_id: str,
    *,
    qualtrics_account_id: str | None = None,
    score_question: str = "QID1",
    comment_question: str = "QID2",
    at_once: bool = False,
) -> Definition:
    """The guide's *Send Survey Response to Gladly*.

    ``qualtrics_account_id`` is where the Survey is; without one it is a Survey of our own. ``at_once`` posts a score
    without waiting for the comment, as for whoever looks on.
    """
    return Definition(
        event=SurveyResponse(survey=survey_id, account=qualtrics_account_id, kinds=("created", "updated")),
        tasks=(
            Task(
                id="T-1",
                type="gladly-timeline-event",
                label=N_("Gladly: timeline event"),
                configuration={
                    "account": gladly_account_id,
                    "customer_id": "${e://Field/CustomerId}",
                    "title": f"CSAT Score: ${{q://{score_question}/SelectedChoicesRecode}}",
                    "body": f"Customer Feedback: ${{q://{comment_question}/ChoiceTextEntryValue}}",
                    **({"when_it_changes": "replace"} if at_once else {}),
                },
            ),
        ),
    )
