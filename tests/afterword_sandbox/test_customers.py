"""Customer profiles, as clients of Gladly's API make and change them."""

from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword_sandbox.api.customers import read_profile
from afterword_sandbox.api.fields import Fields
from afterword_sandbox.errors import Problems

PROFILES = "/api/v1/customer-profiles"


async def create(gladly: aiohttp.ClientSession, **profile: Any) -> str:
    async with gladly.post(PROFILES, json=profile) as answer:
        assert (answer.status, await answer.read()) == (201, b"")
        path = answer.headers["Location"]
    assert path.startswith(f"{PROFILES}/")
    return path.removeprefix(f"{PROFILES}/")


async def get(gladly: aiohttp.ClientSession, customer_id: str) -> dict[str, Any]:
    async with gladly.get(f"{PROFILES}/{customer_id}") as answer:
        assert answer.status == 200
        profile: dict[str, Any] = await answer.json()
    return profile


async def test_a_profile_is_made_found_changed_and_deleted(gladly: aiohttp.ClientSession) -> None:
    customer_id = await create(
        gladly,
        name="Ada Example",
        emails=[{"original": "Ada <Ada.Example@Mail.example>", "primary": True}],
        phones=[{"original": "(415) 555-0132", "type": "MOBILE"}],
        customAttributes={"tier": "gold"},
    )
    profile = await get(gladly, customer_id)
    expected_email = {
        "original": "Ada.Example@Mail.example",
        "normalized": "ada.example@mail.example",
        "primary": True,
    }
    assert profile["emails"] == [expected_email]
    assert profile["phones"][0]["normalized"] == "+14155550132"
    for query in ({"email": "ADA.example@mail.example"}, {"phoneNumber": "+14155550132"}):
        async with gladly.get(PROFILES, params=query) as answer:
            assert await answer.json() == [profile]
            assert answer.headers["Gladly-Limited-Data"] == "false"

    async with gladly.patch(f"{PROFILES}/{customer_id}", json={**profile, "name": "Ada Other"}) as answer:
        assert answer.status == 204, "a whole fetched profile may be sent back"
    changed = await get(gladly, customer_id)
    assert (changed["name"], changed["createdAt"]) == ("Ada Other", profile["createdAt"])
    assert changed["customAttributes"] == {"tier": "gold"}

    async with gladly.patch(f"{PROFILES}/{customer_id}", json={"emails": []}) as answer:
        assert answer.status == 204
    assert (await get(gladly, customer_id))["emails"] == []

    async with gladly.delete(f"{PROFILES}/{customer_id}") as answer:
        assert answer.status == 204
    async with gladly.get(f"{PROFILES}/{customer_id}") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    "query", ["", "?email=a@b.example&phoneNumber=%2B14155550199", "?email=", "?email=x"]
)
async def test_a_search_needs_exactly_one_good_key(gladly: aiohttp.ClientSession, query: str) -> None:
    async with gladly.get(f"{PROFILES}{query}") as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    ("profile", "attr", "code"),
    [
        ({"name": 5}, "name", "invalid"),
        ({"id": "a/b"}, "id", "invalid"),
        ({"id": "x" * 50}, "id", "too_long"),
        ({"emails": "a@b.example"}, "emails", "invalid"),
        ({"emails": [{"original": "nonsense"}]}, "emails[0].original", "invalid"),
        ({"emails": [{}]}, "emails[0].original", "blank"),
        (
            {
                "emails": [
                    {"original": "a@b.example", "primary": True},
                    {"original": "c@d.example", "primary": True},
                ]
            },
            "emails",
            "invalid",
        ),
        ({"phones": [{"original": "12"}]}, "phones[0].original", "invalid"),
        ({"phones": [{"original": "+14155550111", "type": "FAX"}]}, "phones[0].type", "invalid"),
        ({"customAttributes": []}, "customAttributes", "invalid"),
    ],
)
async def test_a_bad_profile_is_refused_by_field(
    gladly: aiohttp.ClientSession, profile: dict[str, Any], attr: str, code: str
) -> None:
    async with gladly.post(PROFILES, json=profile) as answer:
        assert answer.status == 400
        errors = (await answer.json())["errors"]
    assert [(error["attr"], error["code"]) for error in errors] == [(attr, code)]


async def test_ids_addresses_and_mobile_numbers_belong_to_one_customer(gladly: aiohttp.ClientSession) -> None:
    first = await create(
        gladly,
        id="unique-one",
        emails=[{"original": "only@one.example"}],
        phones=[{"original": "+14155550120", "type": "MOBILE"}, {"original": "+14155550121", "type": "HOME"}],
    )
    other = await create(gladly, phones=[{"original": "+14155550121", "type": "HOME"}])
    for profile, attr in (
        ({"id": "unique-one"}, "id"),
        ({"emails": [{"original": "ONLY@one.example"}]}, "emails"),
        ({"phones": [{"original": "+14155550120", "type": "MOBILE"}]}, "phones"),
    ):
        async with gladly.post(PROFILES, json=profile) as answer:
            assert answer.status == 409
            (error,) = (await answer.json())["errors"]
        assert (error["attr"], error["code"]) == (attr, "taken")
    async with gladly.patch(
        f"{PROFILES}/{other}", json={"emails": [{"original": "only@one.example"}]}
    ) as answer:
        assert answer.status == 409
        assert (await answer.json())["errors"][0]["meta"] == {"id": first}


async def test_a_customer_with_an_open_conversation_stays(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened = await write()
    async with gladly.delete(f"{PROFILES}/{opened.customer_id}") as answer:
        assert answer.status == 400
        (error,) = (await answer.json())["errors"]
    assert (error["attr"], error["code"]) == ("conversation", "invalid_state")
    close = {"status": {"value": "CLOSED", "force": True}}
    await gladly.patch(f"/api/v1/conversations/{opened.conversation_id}", json=close)
    async with gladly.delete(f"{PROFILES}/{opened.customer_id}") as answer:
        assert answer.status == 204
    async with gladly.get(f"/api/v1/conversations/{opened.conversation_id}") as answer:
        assert answer.status == 404


async def test_a_merged_customer_has_moved(
    gladly: aiohttp.ClientSession, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("CUSTOMER/MERGED")
    source, destination = await write(), await write()
    merge = {"sourceCustomerId": source.customer_id, "destinationCustomerId": destination.customer_id}
    async with gladly.post("/_sandbox/merges", json=merge) as answer:
        assert answer.status == 204

    async with gladly.get(f"{PROFILES}/{source.customer_id}", allow_redirects=False) as answer:
        assert answer.status == 301
        assert answer.headers["Location"] == f"{PROFILES}/{destination.customer_id}"
        (error,) = (await answer.json())["errors"]
    assert (error["code"], error["attr"]) == ("moved", "customerId")
    assert error["meta"] == {"old": source.customer_id, "new": destination.customer_id}
    async with gladly.patch(f"{PROFILES}/{source.customer_id}", json={"name": "X"}) as answer:
        assert answer.status == 404
    path = f"/api/v1/customers/{source.customer_id}/conversation-items"
    async with gladly.post(path, json={}, allow_redirects=False) as answer:
        assert answer.status == 301
        moved_to = f"{answer.url.origin()}/api/v1/customers/{destination.customer_id}/conversation-items"
        assert answer.headers["Location"] == moved_to

    merged = await get(gladly, destination.customer_id)
    assert {email["original"] for email in merged["emails"]} == {source.email, destination.email}
    async with gladly.get(f"/api/v1/conversations/{destination.conversation_id}/items") as answer:
        assert {item["id"] for item in await answer.json()} == {source.item_id, destination.item_id}
    async with gladly.get(f"/api/v1/conversations/{source.conversation_id}") as answer:
        assert answer.status == 404, "of two open conversations one is gone"
    await eventually(receiver.events)
    assert receiver.events()[0]["content"]["destinationConversationId"] == destination.conversation_id


@pytest.mark.parametrize(("source", "destination", "status"), [("same", "same", 400), ("none", "same", 404)])
async def test_a_merge_needs_two_customers(
    gladly: aiohttp.ClientSession, write: Any, source: str, destination: str, status: int
) -> None:
    ids = {"same": (await write()).customer_id, "none": "none"}
    merge = {"sourceCustomerId": ids[source], "destinationCustomerId": ids[destination]}
    async with gladly.post("/_sandbox/merges", json=merge) as answer:
        assert answer.status == status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["name", "image", "address", "externalCustomerId", "customAttributes", "emails", "phones"]
ENTRY = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("original", "primary", "type", "regionCode", "smsPreference", "extension"), JSON),
)


@given(st.fixed_dictionaries({}, optional={key: JSON | st.lists(ENTRY, max_size=3) for key in KEYS}))
def test_whatever_a_profile_says_it_is_read_or_refused(body: dict[str, Any]) -> None:
    problems = Problems()
    profile = read_profile(Fields(body, problems))
    if isinstance(profile.emails, tuple):
        assert all(email.normalized == email.normalized.lower() for email in profile.emails)
