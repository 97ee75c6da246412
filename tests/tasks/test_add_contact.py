"""XM Directory: Add contact: one contact an address, with what was told last."""

import json
from typing import Any

import pytest

from afterword.outcomes import Outcome, Permanent, Skip
from afterword.tasks.add_contact import AddContact, AddContactTask
from afterword.tasks.contract import Done, TaskCall
from afterword.tasks.fields import EmbeddedDatum


def call(ready: Any, **changes: Any) -> TaskCall[AddContact]:
    told = {"mailing_list": ready.mailing_list, "email": "ada@add.example"} | changes
    return TaskCall(run_key="1", task_id="T-1", attempt=1, configuration=AddContact(**told), fields={})


async def contacts(ready: Any) -> list[dict[str, Any]]:
    rows = await ready.services.database.pool.fetch(
        "SELECT email, first_name, last_name, phone, external_reference, language, embedded_data::text, id, "
        "(SELECT contact_lookup_id FROM mailing_list_contact WHERE contact_id = contact.id) AS lookup FROM contact"
    )
    return [dict(row) | {"embedded_data": json.loads(row["embedded_data"])} for row in rows]


FULL = {
    "first_name": " Ada ",
    "last_name": "Lovelace",
    "phone": "+44 20 7946 0018",
    "external_reference": "c-1",
    "language": "EN",
    "embedded_data": (EmbeddedDatum("Plan", "gold"), EmbeddedDatum("City", "London")),
}


async def test_all_that_is_told_of_a_contact_is_kept(ready: Any) -> None:
    task, wanted = AddContactTask(ready.services), call(ready, **FULL)
    done = await task.run(wanted)
    (contact,) = await contacts(ready)
    assert done.output == {"contactId": contact.pop("id"), "contactLookupId": contact.pop("lookup")}
    assert contact == {
        "email": "ada@add.example",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone": "+44 20 7946 0018",
        "external_reference": "c-1",
        "language": "EN",
        "embedded_data": {"Plan": "gold", "City": "London"},
    }
    assert set(done.output) == set(task.outputs(wanted.configuration))


async def test_again_it_changes_nothing(ready: Any) -> None:
    task = AddContactTask(ready.services)
    first = await task.run(call(ready, **FULL))
    before = await contacts(ready)
    assert await task.run(call(ready, **FULL)) == first
    assert await contacts(ready) == before


async def test_what_is_told_replaces_what_was_known_and_what_is_empty_does_not(ready: Any) -> None:
    task = AddContactTask(ready.services)
    await task.run(call(ready, **FULL))
    later = {
        "last_name": "King",
        "embedded_data": (EmbeddedDatum("Plan", "silver"), EmbeddedDatum("City", "")),
    }
    await task.run(call(ready, email="ADA@add.example", **later))
    (contact,) = await contacts(ready)
    assert (contact["first_name"], contact["last_name"], contact["phone"]) == (
        "Ada",
        "King",
        "+44 20 7946 0018",
    )
    assert contact["embedded_data"] == {"Plan": "silver", "City": "London"}


async def test_a_plan_says_what_would_be_saved_and_saves_nothing(ready: Any, everything: Any) -> None:
    task, wanted, before = AddContactTask(ready.services), call(ready, **FULL), await everything()
    plan = await task.plan(wanted)
    assert await everything() == before
    done = await task.run(wanted)
    assert plan.sends == done.sent
    assert plan.output == {"contactId": "new", "contactLookupId": "new"}
    assert (await task.plan(wanted)).output == done.output


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"email": ""}, Skip, "contact-has-no-email"),
        ({"email": "x@y@z"}, Skip, "contact-email-invalid"),
        ({"mailing_list": "CG_none"}, Permanent, "mailing-list-not-found"),
    ],
)
async def test_what_is_wrong_has_its_reason_and_mended_it_is_done(
    ready: Any, changes: dict[str, str], kind: type[Outcome], code: str
) -> None:
    task = AddContactTask(ready.services)
    for attempt in (task.plan, task.run):
        with pytest.raises(kind) as refused:
            await attempt(call(ready, **changes))
        assert refused.value.reason.code == code
    assert await contacts(ready) == []
    assert isinstance(await task.run(call(ready)), Done)
