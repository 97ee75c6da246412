"""The demo's sample Responses: put in once, marked as what they are, and taken away without touching any other."""

from datetime import UTC, datetime, timedelta

from tests.backfill.conftest import Past, Scene, past, scene

from afterword.demo.sample import put_in, take_away
from afterword.surveys.definitions import add_survey, csat_survey

__all__ = ["past", "scene"]


async def test_they_are_about_what_was_closed_before_marked_and_can_be_taken_away(
    scene: Scene, past: Past
) -> None:
    connected_at = datetime.now(UTC) - timedelta(days=1)
    past.conversations([([connected_at - timedelta(hours=80 + hours)], []) for hours in range(40)])
    _, later = past.conversation(connected_at + timedelta(hours=1))
    async with scene.database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
    pool = scene.database.pool
    await pool.execute("INSERT INTO response (id, survey_id, score) VALUES ('R_real', $1, 5)", survey_id)
    client = await scene.accounts.gladly(scene.account_id)
    async with scene.database.transaction() as connection:
        number = await put_in(connection, client, survey_id, connected_at)
        assert await put_in(connection, client, survey_id, connected_at) == 0
    assert number > 5
    rows = await pool.fetch("SELECT * FROM response WHERE id <> 'R_real'")
    assert len(rows) == number
    assert {row["kind"] for row in rows} == {"imported"}
    assert all('"SampleData": "made up for the demo"' in row["embedded_data"] for row in rows)
    assert all(row["recorded_at"] < connected_at and later not in row["embedded_data"] for row in rows)
    assert await pool.fetchval("SELECT count(*) FROM event") == 0
    async with scene.database.transaction() as connection:
        await take_away(connection, survey_id)
    assert [row["id"] for row in await pool.fetch("SELECT id FROM response")] == ["R_real"]
