"""What stands in Gladly held against what is wanted."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.accounts.gladly_accounts import GladlyAccount
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


URLS = st.sampled_from(
    [
        URL,
        webhook_address("https://old.example.com", "GA_1"),
        webhook_address("http://10.0.0.1", "GA_1"),
        OTHERS.url,
        "https://elsewhere.example.com/",
    ]
)
EVENTS = st.lists(
    st.sampled_from(["CONVERSATION/CLOSED", "CONVERSATION/REOPENED", "TASK/CREATED"]), unique=True, max_size=3
)
FLAGS = st.sampled_from([True, False, None])
ANY_WEBHOOK = st.builds(
    Webhook,
    st.sampled_from(["w1", "w2", "w3", "w4"]),
    URLS,
    st.sampled_from(["Afterword", "Somebody's", None]),
    st.none() | EVENTS,
    enabled=FLAGS,
    has_credentials=FLAGS,
    header_keys=st.none() | st.just([]),
    disabled_at_due_to_retry_limit=st.none() | st.just(NOW),
)
ANY_KNOWN = st.none() | st.builds(
    Known,
    state=st.sampled_from(["works", "not-yet", "off"]),
    since=st.just(NOW),
    webhook_id=st.sampled_from([None, "w1", "w4", "gone"]),
    url=st.none() | URLS,
    credentials_sha256=st.sampled_from([None, b"others", credentials_digest(OWN)]),
)


def mended(webhooks: list[Webhook], known: Known | None) -> tuple[list[Webhook], Known]:
    """What stands in Gladly, and what is known of it, when all that was found was put right."""
    sight = look(OWN, URL, webhooks, known)
    ours = sight.webhook or Webhook("new", URL)
    changes = wanted(OWN, URL) if sight.webhook is None else sight.changes or WebhookSettings()
    made = {name: getattr(changes, name) for name in ("name", "url", "events", "enabled")}
    made = {name: value for name, value in made.items() if value is not msgspec.UNSET}
    if changes.credentials is not msgspec.UNSET:
        made["has_credentials"] = True
    left = [one for one in webhooks if one.id not in (ours.id, *sight.spare)]
    put = Known(
        state="works",
        since=NOW,
        webhook_id=ours.id,
        url=URL,
        credentials_sha256=credentials_digest(OWN),
    )
    return [*left, msgspec.structs.replace(ours, **made)], put


@given(st.lists(ANY_WEBHOOK, unique_by=(lambda one: one.id, lambda one: one.url), max_size=4), ANY_KNOWN)
def test_whatever_stands_there_one_look_puts_right_and_the_next_finds_nothing_to_do(
    webhooks: list[Webhook], known: Known | None
) -> None:
    after, put = mended(webhooks, known)
    again = look(OWN, URL, after, put)
    assert (again.wrong, again.changes, again.spare) == (None, None, ())
    assert again.webhook is not None
    assert (again.webhook.url, again.webhook.enabled is not False) == (URL, True)
    ours_before = {one.id for one in webhooks if "GA_1" in one.url} | {known and known.webhook_id}
    untouched = [one for one in webhooks if one.id not in ours_before]
    assert all(one in after for one in untouched)


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
