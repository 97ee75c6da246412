"""What stands in Gladly held against what is wanted."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from afterword.accounts.connected import GladlyAccount
from afterword.gladly.models import Webhook, WebhookLogin, WebhookSettings
from afterword.gladly.webhooks import BasicCredentials, HeaderToken, WebhookCredentials
from afterword.webhook_keeping.comparing import credentials_digest, look, wanted, webhook_address
from afterword.webhook_keeping.states import Known

NOW = datetime(2026, 11, 25, 10, 2, tzinfo=UTC)
OWN = GladlyAccount(
    "GA_1",
    "Acme",
    "https://acme.gladly.com",
    "api@example.com",
    "token",
    WebhookCredentials((BasicCredentials("afterword", "new"), BasicCredentials("afterword", "old"))),
)
BY_HAND = msgspec.structs.replace(OWN, delivery="by-hand")
URL = webhook_address("https://ask.example.com/", "GA_1")
THERE = Webhook(
    "w1",
    URL,
    "Afterword",
    ["CONVERSATION/CLOSED", "CONVERSATION/REOPENED"],
    enabled=True,
    has_credentials=True,
    header_keys=[],
)
OTHERS = Webhook(
    "w9", "https://elsewhere.example.com/webhooks/gladly/GA_2", "Other", ["TASK/CREATED"], enabled=True
)
PUT = Known(
    state="works",
    since=NOW,
    webhook_id="w1",
    url=URL,
    is_ours=True,
    credentials_sha256=credentials_digest(OWN),
)


def changed(**changes: Any) -> Webhook:
    return msgspec.structs.replace(THERE, **changes)


def test_one_that_is_as_wanted_is_left_alone() -> None:
    sight = look(OWN, URL, [OTHERS, THERE], PUT)
    assert (sight.webhook, sight.wrong, sight.changes, sight.spare) == (THERE, None, None, ())


def test_what_others_have_is_not_ours_and_where_none_is_ours_it_is_missing_or_was_deleted() -> None:
    never = look(OWN, URL, [OTHERS], None)
    gone = look(OWN, URL, [OTHERS], PUT)
    assert never.webhook is gone.webhook is None
    assert never.wrong is not None
    assert gone.wrong is not None
    assert (never.wrong.code, gone.wrong.code) == ("webhook-missing", "webhook-deleted")


@pytest.mark.parametrize(
    ("webhook", "code", "words", "changes"),
    [
        (
            changed(enabled=False, disabled_at_due_to_retry_limit=NOW),
            "webhook-switched-off-by-gladly",
            "10:02 UTC on 25 November",
            WebhookSettings(enabled=True),
        ),
        (changed(enabled=False), "webhook-switched-off", "switched off", WebhookSettings(enabled=True)),
        (
            changed(url="https://elsewhere.example.com/"),
            "webhook-changed",
            "its address",
            WebhookSettings(url=URL),
        ),
        (
            changed(url="https://elsewhere.example.com/webhooks/gladly/GA_1"),
            "webhook-changed",
            "its address",
            WebhookSettings(url=URL),
        ),
        (
            changed(events=["CONVERSATION/CLOSED", "TASK/CREATED"]),
            "webhook-changed",
            "CONVERSATION/REOPENED",
            WebhookSettings(events=["CONVERSATION/CLOSED", "TASK/CREATED", "CONVERSATION/REOPENED"]),
        ),
        (
            changed(has_credentials=False),
            "webhook-changed",
            "without a user name",
            WebhookSettings(credentials=WebhookLogin("afterword", "new")),
        ),
        (
            changed(enabled=False, events=["CONVERSATION/REOPENED"]),
            "webhook-switched-off",
            "switched off in Gladly, and it does not tell of CONVERSATION/CLOSED",
            WebhookSettings(enabled=True, events=["CONVERSATION/REOPENED", "CONVERSATION/CLOSED"]),
        ),
    ],
)
def test_whatever_is_wrong_is_named_and_put_right_by_one_change(
    webhook: Webhook, code: str, words: str, changes: WebhookSettings
) -> None:
    sight = look(OWN, URL, [webhook], PUT)
    assert sight.wrong is not None
    assert sight.wrong.code == code
    assert words in sight.wrong.words
    assert sight.changes == changes


def test_what_we_want_otherwise_ourselves_is_changed_without_a_fault() -> None:
    moved = look(OWN, webhook_address("https://new.example.com", "GA_1"), [THERE], PUT)
    assert (moved.wrong, moved.changes) == (
        None,
        WebhookSettings(url="https://new.example.com/webhooks/gladly/GA_1"),
    )
    before = msgspec.structs.replace(PUT, credentials_sha256=b"others")
    rotated = look(OWN, URL, [THERE], before)
    assert (rotated.wrong, rotated.changes) == (
        None,
        WebhookSettings(credentials=WebhookLogin("afterword", "new")),
    )


def test_one_that_stands_there_already_is_taken_over_and_more_of_ours_are_spare() -> None:
    elsewhere = changed(id="w2", url="https://old.example.com/webhooks/gladly/GA_1")
    by_hand = changed(id="w3", url="https://relay.example.com/x/webhooks/gladly/GA_1", name="Ours, by hand")
    sight = look(OWN, URL, [elsewhere, by_hand, THERE], None)
    assert sight.webhook == THERE
    assert sight.spare == ("w2",)
    assert sight.changes == WebhookSettings(credentials=WebhookLogin("afterword", "new"))


def test_one_made_by_hand_may_come_by_any_way_that_leads_here() -> None:
    relayed = changed(url="https://relay.example.com/gladly/webhooks/gladly/GA_1")
    assert look(BY_HAND, URL, [relayed], None).wrong is None
    away = look(BY_HAND, URL, [changed(url="https://relay.example.com/")], PUT)
    assert away.wrong is not None
    assert away.wrong.code == "webhook-changed"


def test_a_header_is_known_by_its_name() -> None:
    account = msgspec.structs.replace(
        BY_HAND, webhook=WebhookCredentials((), (HeaderToken("X-Afterword-Token", "t"),))
    )
    assert look(account, URL, [changed(header_keys=["x-afterword-token"])], None).wrong is None
    without = look(account, URL, [changed(header_keys=["X-Other"])], None).wrong
    assert without is not None
    assert "X-Afterword-Token" in without.words


def test_what_gladly_does_not_say_is_not_wrong() -> None:
    assert look(BY_HAND, URL, [Webhook("w1", URL)], None).wrong is None


def test_a_new_one_is_named_enabled_and_proves_itself_by_the_newest_credentials() -> None:
    made = wanted(OWN, URL)
    assert (made.name, made.url, made.enabled) == ("Afterword", URL, True)
    assert made.events == ["CONVERSATION/CLOSED", "CONVERSATION/REOPENED"]
    assert made.credentials == WebhookLogin("afterword", "new")
    assert "new" not in repr(made)
