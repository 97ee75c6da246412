"""Webhooks kept at the sandbox, which tells a web half that is really served."""

import asyncio
from typing import Any

import msgspec
import pytest

from afterword.accounts.webhook_credentials import renewed
from afterword.gladly.models import Webhook, WebhookLogin, WebhookSettings
from afterword.webhook_keeping.comparing import webhook_address
from afterword.webhook_keeping.keeping import WebhookKeeping
from afterword.workflows.explaining.explain import explain
from afterword.workflows.history.event_history import list_events

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_webhook_is_made_that_answers_the_ping_and_tells_of_closings(
    scene: Any, eventually: Any
) -> None:
    known = await scene.works()
    made = await scene.webhook()
    assert (made.name, made.enabled, made.has_credentials) == ("Afterword", True, True)
    assert made.url == known.url == webhook_address(scene.afterword.url, scene.account_id)
    assert await scene.told() == ["PING"]
    closed = await scene.close_a_conversation()
    await eventually(lambda: _has(scene, closed))
    assert await scene.alerts() == []
    assert await scene.gaps() == []


async def test_ten_starts_at_once_and_one_after_the_other_leave_one_webhook(scene: Any) -> None:
    await asyncio.gather(*(scene.keep() for _ in range(10)))
    first = await scene.webhook()
    for _ in range(10):
        await scene.works()
    assert await scene.webhook() == first
    assert await scene.told() == ["PING"]


async def test_a_creation_whose_outcome_nobody_knows_is_found_by_its_address(scene: Any) -> None:
    with scene.sandbox.fault("drop", when="after", method="POST", path="/api/v1/webhooks", times=1) as struck:
        known = await scene.keep()
        assert struck() == 1
    assert (known.state, known.reason.code) == ("not-yet", "gladly-timed-out")
    made = await scene.webhook()
    assert (await scene.works()).webhook_id == made.id
    assert await scene.webhook() == made


async def test_one_of_ours_made_for_an_earlier_address_is_moved_and_spare_ones_go(scene: Any) -> None:
    old = await scene.works()
    async with scene.gladly() as client:
        spare = WebhookSettings(
            name="Afterword",
            url=webhook_address("https://older.example.com", scene.account_id),
            events=["CONVERSATION/CLOSED"],
        )
        await client.create_webhook(spare)
    port = scene.afterword.port()
    moved = await scene.keep(public_url=f"http://localhost:{port}")
    assert (moved.state, moved.webhook_id) == ("works", old.webhook_id)
    assert (await scene.webhook()).url == webhook_address(f"http://localhost:{port}", scene.account_id)
    assert (await scene.alerts(), await scene.gaps()) == ([], [])


async def test_what_gladly_switched_off_after_its_last_try_is_on_again_and_the_gap_is_noted(
    scene: Any, eventually: Any
) -> None:
    await scene.works()
    with scene.sandbox.switched(resendDelays=[0, 0, 0, 0]), scene.sandbox.fault("fail"):
        missed = await scene.close_a_conversation()

        async def is_off() -> bool:
            return (await scene.webhook()).disabled_at_due_to_retry_limit is not None

        await eventually(is_off)
    known = await scene.works()
    assert (await scene.webhook()).enabled
    assert await scene.alerts() == ["webhook-back"]
    (gap,) = await scene.gaps()
    assert gap["reason_code"] == "webhook-switched-off-by-gladly"
    assert gap["since"] < known.worked_at < gap["until"]
    assert missed not in await scene.closings()
    assert "Webhook back" in await scene.told()
    closed = await scene.close_a_conversation()
    await eventually(lambda: _has(scene, closed))


@pytest.mark.parametrize(
    ("meddling", "code"),
    [
        ({"enabled": False}, "webhook-switched-off"),
        ({"events": ["TASK/CREATED"]}, "webhook-changed"),
        ({"url": "http://localhost:{port}/webhooks/gladly/{account}"}, "webhook-changed"),
    ],
)
async def test_what_somebody_changes_in_gladly_is_put_right_and_told(
    scene: Any, meddling: dict[str, Any], code: str
) -> None:
    await scene.works()
    before = await scene.webhook()
    await scene.meddle(
        **{
            name: value.format(port=scene.afterword.port(), account=scene.account_id)
            if isinstance(value, str)
            else value
            for name, value in meddling.items()
        }
    )
    await scene.works()
    after = await scene.webhook()
    assert (after.id, after.url, after.enabled) == (before.id, before.url, True)
    assert set(before.events) <= set(after.events)
    assert await scene.alerts() == ["webhook-back"]
    assert [gap["reason_code"] for gap in await scene.gaps()] == [code]


async def test_what_happened_to_it_stands_in_the_list_of_events_and_is_explained(scene: Any) -> None:
    await scene.works()
    await scene.delete()
    await scene.works()
    async with scene.database.transaction() as connection:
        (told,) = [one for one in (await list_events(connection)).events if one.type == "Webhook back"]
        (story,) = (await explain(connection, f"event {told.id}", personal=False)).stories
    assert (told.status, told.reason_code) == ("ignored", "webhook-deleted")
    (sentence,) = story.sentences
    assert sentence.words.startswith(
        "The webhook of the Gladly account “Sandbox” works again. Closings since "
    )
    assert sentence.words.endswith("may not have been told, as it was deleted in Gladly.")


async def test_one_that_was_deleted_is_made_again(scene: Any) -> None:
    first = await scene.works()
    await scene.delete()
    again = await scene.works()
    assert again.webhook_id != first.webhook_id
    assert (await scene.webhook()).id == again.webhook_id
    assert [gap["reason_code"] for gap in await scene.gaps()] == ["webhook-deleted"]


async def test_what_cannot_be_put_right_is_off_until_it_can_and_told_twice(scene: Any) -> None:
    await scene.works()
    await scene.meddle(enabled=False)
    with scene.sandbox.fault("answer", status=500, method="PATCH", path="/api/v1/webhooks/**"):
        off = await scene.keep()
        await scene.keep()
    assert (off.state, off.reason.code) == ("off", "gladly-unavailable")
    assert await scene.alerts() == ["webhook-off"]
    await scene.database.pool.execute("UPDATE alert SET status = 'told', decided_at = now()")
    back = await scene.works()
    assert back.since > off.since
    assert await scene.alerts() == ["webhook-off", "webhook-back"]
    (gap,) = await scene.gaps()
    assert gap["until"] > back.since
    assert [one for one in await scene.told() if one.startswith("Webhook")] == ["Webhook off", "Webhook back"]


async def test_a_gladly_that_does_not_answer_says_nothing_about_the_webhook(scene: Any) -> None:
    before = await scene.works()
    with scene.sandbox.fault("answer", status=503, method="GET", path="/api/v1/webhooks"):
        assert await scene.keep() == before
    assert await scene.alerts() == []


async def test_without_a_web_half_that_answers_it_does_not_work_yet_and_then_by_itself(scene: Any) -> None:
    nobody = await scene.keep(public_url="http://127.0.0.1:1")
    assert (nobody.state, nobody.reason.code) == ("not-yet", "webhook-refused")
    assert "afterword web" in nobody.reason.words
    assert await scene.webhooks() == []
    await scene.works()
    assert (await scene.alerts(), await scene.gaps()) == ([], [])


async def test_a_worker_that_does_not_know_the_public_address_leaves_alone_what_works(scene: Any) -> None:
    """Such as one whose settings are not those of the web half."""
    await scene.works()
    await scene.change(base_url="https://acme.gladly.com")
    there = await _told_by_another(scene)
    keeping: Any = WebhookKeeping(scene.database, scene.box, public_url="http://127.0.0.1:8700")
    assert (await keeping.keep(scene.account_id, there)).state == "works"
    there.found[0] = msgspec.structs.replace(there.found[0], enabled=False)
    off = await keeping.keep(scene.account_id, there)
    assert (off.state, off.reason.code) == ("off", "webhook-not-reachable")
    assert "AFTERWORD_PUBLIC_URL" in off.reason.words
    assert await scene.alerts() == ["webhook-off"]
    await scene.change(base_url=scene.sandbox.url)


async def test_one_made_by_hand_is_watched_and_never_changed(scene: Any) -> None:
    account = await scene.change(delivery="by-hand")
    missing = await scene.keep()
    assert (missing.state, missing.reason.code) == ("not-yet", "webhook-missing")
    login = account.webhook.basic[0]
    async with scene.gladly() as client:
        await client.create_webhook(
            WebhookSettings(
                name="Made by Ann",
                url=webhook_address(scene.afterword.url, scene.account_id),
                events=["CONVERSATION/CLOSED", "CONVERSATION/REOPENED", "TASK/CREATED"],
                credentials=WebhookLogin(login.username, login.password),
                enabled=True,
            )
        )
    await scene.works()
    await scene.meddle(enabled=False)
    before = await scene.webhook()
    off = await scene.keep()
    assert (off.state, off.reason.code) == ("off", "webhook-switched-off")
    assert await scene.webhook() == before
    assert await scene.alerts() == ["webhook-off"]
    await scene.meddle(enabled=True)
    await scene.works()
    assert len(await scene.gaps()) == 1
    assert await scene.remove() is None
    assert len(scene.sandbox.api("GET", "/api/v1/webhooks")) == 1


async def test_new_credentials_are_put_into_gladly_and_no_delivery_is_lost(
    scene: Any, eventually: Any
) -> None:
    await scene.works()
    closed = [await scene.close_a_conversation()]
    for _ in range(2):
        before = (await scene.account()).webhook
        await scene.change(webhook=renewed(before))
        closed.append(await scene.close_a_conversation())
        await scene.works()
        closed.append(await scene.close_a_conversation())
    await eventually(lambda: _has(scene, *closed))
    logged = scene.sandbox.control("GET", f"webhooks/{(await scene.webhook()).id}/requests")
    assert {one["status"] for one in logged} == {"Success"}


async def test_the_credentials_before_the_newest_end_two_hours_after_those_are_in_gladly(scene: Any) -> None:
    await scene.works()
    await scene.change(webhook=renewed((await scene.account()).webhook))
    await scene.works()
    assert len((await scene.account()).webhook.basic) == 2
    await scene.database.pool.execute(
        "UPDATE gladly_webhook SET credentials_put_at = credentials_put_at - interval '121 minutes'"
    )
    await scene.works()
    newest = (await scene.account()).webhook.basic
    assert len(newest) == 1
    await scene.works()
    assert (await scene.account()).webhook.basic == newest


async def test_an_account_that_is_to_have_none_loses_its_webhook_as_soon_as_gladly_lets_it_go(
    scene: Any,
) -> None:
    await scene.works()
    await scene.change(delivery="pull")
    with scene.sandbox.fault("answer", status=503, method="DELETE", path="/api/v1/webhooks/**"):
        left = await scene.keep()
    assert left.reason.code == "webhook-left"
    assert await scene.keep() is None
    assert await scene.webhooks() == []
    assert await scene.known() is None


async def test_a_removed_account_takes_its_webhook_along_or_says_why_not(scene: Any) -> None:
    await scene.works()
    assert await scene.remove() is None
    assert scene.sandbox.api("GET", "/api/v1/webhooks") == []
    await scene.connect()
    await scene.works()
    with scene.sandbox.fault("answer", status=503, path="/api/v1/webhooks"):
        left = await scene.remove()
    assert "Gladly could not do it now" in left
    assert await scene.known() is None
    assert len(scene.sandbox.api("GET", "/api/v1/webhooks")) == 1


async def test_nobody_is_at_it_twice_at_once(scene: Any, eventually: Any) -> None:
    """A worker that finds somebody at it passes on; a command waits."""
    keeping = WebhookKeeping(scene.database, scene.box, public_url=scene.afterword.url)
    async with scene.gladly() as client:
        with scene.sandbox.fault("hang", seconds=0.5, method="GET", path="/api/v1/webhooks", times=1):
            first = asyncio.create_task(keeping.keep(scene.account_id, client))
            await eventually(lambda: _is_locked(scene))
            assert await keeping.keep(scene.account_id, client, wait=False) is None
            second = await keeping.keep(scene.account_id, client)
    assert await first is not None
    assert second is not None
    assert second.state == "works"
    assert await scene.told() == ["PING"]


class _Gladly:
    """Shows webhooks, and is to be asked for nothing else."""

    def __init__(self, found: list[Webhook]) -> None:
        self.found = found

    async def webhooks(self) -> list[Webhook]:
        return self.found


async def _told_by_another(scene: Any) -> Any:
    found = scene.sandbox.api("GET", "/api/v1/webhooks")
    return _Gladly(msgspec.convert(found, list[Webhook]))


async def _is_locked(scene: Any) -> bool:
    return bool(
        await scene.database.pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
    )


async def _has(scene: Any, *conversations: str) -> bool:
    return bool(set(conversations) <= await scene.closings())
