import re

from sqlalchemy import delete
from tests.fixtures.admin_pages import Browser, Past

from afterword.store import tables
from afterword.store.database import Database

LARGEST_PAGE = 100_000


def shown_runs(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="run-(\d+)">', page)]


async def test_an_empty_history_says_what_to_do_first(signed_in: Browser) -> None:
    _, page = await signed_in.get("/workflows/runs")
    assert "Close a Conversation to see the first one." in page
    assert "<table" not in page


async def test_the_vendors_own_address_leads_to_run_history(signed_in: Browser) -> None:
    answer, _ = await signed_in.get("/workflows/ui/global/run-history")
    assert answer.url.path == "/workflows/runs"


async def test_a_run_is_told_in_a_line(signed_in: Browser, past: Past) -> None:
    run_id = await past.run(
        status="skipped", reason_words="the contact asked not to be written to", position=1
    )
    _, page = await signed_in.get("/workflows/runs")
    assert shown_runs(page) == [run_id]
    assert f'href="/workflows/runs/{run_id}"' in page
    for told in (
        "Ask &lt;everybody&gt;",
        "JSON Event",
        "Ada",
        "V1",
        ">Skipped<",
        "not to be written to",
        "1 of 2",
    ):
        assert told in page


async def test_runs_are_paged_from_the_newest(signed_in: Browser, past: Past) -> None:
    event_ids = [await past.event() for _ in range(120)]
    runs = [await past.run(event_id) for event_id in event_ids]
    seen: list[int] = []
    address: str | None = "/workflows/runs?status=running"
    while address is not None:
        _, page = await signed_in.get(address)
        assert len(page.encode()) < LARGEST_PAGE
        assert len(shown_runs(page)) <= 50
        seen += shown_runs(page)
        older = re.search(r'<a href="([^"]+)" rel="next">', page)
        address = older and older[1].replace("&amp;", "&")
        assert address is None or "status=running" in address
    assert seen == sorted(runs, reverse=True)


async def test_runs_are_filtered_by_status_and_workflow(signed_in: Browser, past: Past) -> None:
    failed = await past.run(status="failed")
    await past.run(status="succeeded")
    other = await past.run(status="failed", workflow_id="OC_deleted")
    _, page = await signed_in.get(f"/workflows/runs?status=failed&workflow={past.workflow_id}")
    assert shown_runs(page) == [failed]
    assert 'value="failed" checked' in page
    _, page = await signed_in.get("/workflows/runs?status=failed&workflow=")
    assert shown_runs(page) == [other, failed]
    assert "(deleted workflow)" in page
    _, page = await signed_in.get("/workflows/runs?status=waiting")
    assert "No run is like that." in page


async def test_a_filter_that_does_not_exist_is_told(signed_in: Browser) -> None:
    for query in ("status=done", "before=x", "before=-1", "before=" + "9" * 40, "status=%ff"):
        answer, page = await signed_in.get(f"/workflows/runs?{query}")
        assert answer.status == 400, query
        assert "<h1>" in page


async def test_one_run_is_told_as_a_story(signed_in: Browser, past: Past) -> None:
    run_id = await past.run(status="waiting", position=1, reason_words="the mail server is away")
    long = "word " * 200
    await past.attempt(
        run_id, input={"survey": "SV_1", "message": long}, output={"id": "1", "sent": {"to": "ada@x"}}
    )
    for number in (1, 2):
        await past.attempt(
            run_id, position=1, attempt=number, status="retrying", reason_words="the mail server is away"
        )
    _, page = await signed_in.get(f"/workflows/runs/{run_id}")
    titles = re.findall(r"<h2>([^<]+)</h2>", page)
    assert titles == ["JSON Event", "Distribute survey", "Tell &lt;Gladly&gt;"]
    assert "<caption>Sent</caption>" in page
    assert "Show all 1,000 characters" in page
    assert page.count("The mail server is away.") == 3
    assert "Goes on <time" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "Attempt 2" in page


async def test_a_run_whose_workflow_and_event_are_gone_is_still_told(
    signed_in: Browser, past: Past, database: Database
) -> None:
    run_id = await past.run(status="failed", reason_words="its workflow was deleted")
    await past.attempt(run_id)
    async with database.transaction() as connection:
        await connection.execute(delete(tables.workflow))
        await connection.execute(delete(tables.event))
    _, page = await signed_in.get("/workflows/runs")
    assert shown_runs(page) == [run_id]
    answer, page = await signed_in.get(f"/workflows/runs/{run_id}")
    assert answer.status == 200
    assert "(deleted workflow)" in page
    assert "Task 1" in page


async def test_a_body_that_is_no_json_is_shown_as_it_is(signed_in: Browser, past: Past) -> None:
    run_id = await past.run(await past.event("not <json> at all"))
    _, page = await signed_in.get(f"/workflows/runs/{run_id}")
    assert "not &lt;json&gt; at all" in page


async def test_a_run_that_does_not_exist_is_told(signed_in: Browser) -> None:
    for number in ("1", "0", "9" * 30, "x"):
        answer, page = await signed_in.get(f"/workflows/runs/{number}")
        assert answer.status == 404
        assert "There is no run" in page


async def test_events_that_started_nothing_are_told_with_their_reason(signed_in: Browser, past: Past) -> None:
    started = await past.event()
    run_id = await past.run(started)
    await past.event(status="ignored", reason_words="no workflow that is on starts with it")
    await past.event(status="redelivered", reason_words="the same closing was told", redelivery_of=started)
    _, page = await signed_in.get("/workflows/events")
    assert f'<a href="/workflows/runs/{run_id}">Run {run_id}</a>' in page
    assert page.count("<tr id=") == 3
    _, page = await signed_in.get("/workflows/events?show=started-nothing")
    assert page.count("<tr id=") == 2
    assert "no workflow that is on starts with it" in page
    assert f"the same closing was told (event {started})" in page


async def test_pages_carry_nothing_inline(signed_in: Browser, past: Past) -> None:
    run_id = await past.run()
    for address in ("/workflows/runs", "/workflows/events", f"/workflows/runs/{run_id}", "/workflows/runs/0"):
        answer, page = await signed_in.get(address)
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<style| style=| on\w+=|<script(?! type=\"module\" src=\"/static/)", page)
        assert not re.search(r'(?:src|href|action)="(?!/|#)', page)
