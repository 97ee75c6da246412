"""``afterword eligibility preview``, as people and programs call it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from tests.previewing.conftest import Past, Scene
from typer.testing import CliRunner, Result

from afterword.cli import app

HOUR = timedelta(hours=1)


async def call(scene: Scene, tmp_path: Path, *words: str) -> Result:
    environment = {
        "AFTERWORD_DATABASE_URL": scene.database.url,
        "AFTERWORD_DATA_DIR": str(tmp_path),
        "AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "1000",
        "AFTERWORD_RETRY_TIME_SCALE": "0.01",
        "AFTERWORD_LOG_LEVEL": "error",
    }
    arguments = ["eligibility", "preview", *words]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)


async def test_it_counts_by_a_workflow_s_rules_and_tells_why_not(
    scene: Scene, past: Past, tmp_path: Path
) -> None:
    since = datetime.now(UTC) - HOUR
    customer, _ = past.conversation(since + HOUR / 4)
    past.conversation(since + HOUR / 2, customer={"id": customer})
    await scene.workflow(
        gladly_account=scene.account_id, qualtrics_account="QA_1", eligibility={"once_in_days": 30}
    )
    text = since.strftime("%Y-%m-%dT%H:%M:%S")
    told = await call(scene, tmp_path, "--since", text)
    assert told.exit_code == 0, told.output
    assert "would have been asked of" in told.output
    assert "by the rules of 'Ask'" in told.output
    assert "asked in the last 30 days" in told.output
    as_json = await call(scene, tmp_path, "--since", text, "--json")
    counted = msgspec.json.decode(as_json.stdout)
    assert counted["state"] == "finished"
    assert {one["code"] for one in counted["result"]["reasons"]} >= {"asked-lately"}
    nowhere = await call(scene, tmp_path, "--workflow", "Nobody")
    assert "There is no workflow 'Nobody'" in str(nowhere.exception)
    future = await call(scene, tmp_path, "--since", "2999-01-01")
    assert "is not in the past" in str(future.exception)
