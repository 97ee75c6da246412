"""``afterword demo`` as a newcomer meets it."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from afterword.demo import descriptor
from afterword_sandbox.identifiers import seeded_id

pytestmark = [pytest.mark.loop, pytest.mark.timeout(180)]

STEPS = ["close", "json_event", "mail", "answer", "timeline"]


def afterword(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "afterword", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def check_summary(output: str) -> dict[str, Any]:
    """The summary of ``demo --once --json``, which is one JSON object and nothing else."""
    summary: dict[str, Any] = json.loads(output)
    assert [step["name"] for step in summary["steps"]] == STEPS
    assert all(step["seconds"] >= 0 for step in summary["steps"])
    assert [run["status"] for run in summary["runs"]] == ["succeeded"] * 3
    assert all(run.keys() >= {"id", "workflow", "status", "duration"} for run in summary["runs"])
    assert summary["response_id"].startswith("R_")
    assert summary["customer_id"]
    assert summary["conversation_id"]
    assert summary["timeline_item_id"]
    return summary


def processes_of(data_dir: Path) -> list[psutil.Process]:
    """Every process that has this folder in its command line or its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            told = " ".join(process.cmdline()) + process.environ().get("AFTERWORD_DATA_DIR", "")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if str(data_dir) in told and process.pid != os.getpid():
            found.append(process)
    return found


async def test_the_whole_way_is_gone_in_the_running_demo_again_and_again(demo: Any) -> None:
    first = check_summary(afterword("demo", "--once", "--json", "--data-dir", str(demo.data_dir)).stdout)
    second = check_summary(afterword("demo", "--once", "--json", "--data-dir", str(demo.data_dir)).stdout)
    assert first["customer_id"] != second["customer_id"]
    cards = [item["content"] for item in await demo.timeline(first["customer_id"])]
    (card,) = [content for content in cards if content["type"] == "CUSTOMER_ACTIVITY"]
    assert (card["activityType"], card["title"]) == ("SURVEY", "CSAT Score: 5")
    assert card["body"].startswith("Customer Feedback: ")


async def test_for_people_each_step_is_told_with_its_time(demo: Any) -> None:
    told = afterword("demo", "--once", "--data-dir", str(demo.data_dir))
    assert told.returncode == 0
    assert [line.split()[0] for line in told.stdout.splitlines()[:5]] == STEPS
    assert "ms" in told.stdout


async def test_demo_json_says_how_to_join_in_and_is_its_owners_alone(demo: Any) -> None:
    file = demo.data_dir / descriptor.FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = json.loads(file.read_text())
    assert {name: sorted(part) for name, part in told.items()} == {
        "afterword": ["password", "url", "username"],
        "gladly": ["api_token", "url", "username"],
        "qualtrics": ["api_token", "json_event_url", "survey_id", "url"],
        "mail": ["messages_url", "smtp_port", "url"],
        "processes": ["database", "sandbox", "web", "worker"],
    }
    assert all(psutil.pid_exists(pid) for pids in told["processes"].values() for pid in pids)


async def test_four_lines_say_what_to_open(demo: Any) -> None:
    lines = [line for line in demo.what_it_said().splitlines() if "again" not in line or "Ctrl-C" in line]
    assert len(lines) == 4
    assert demo.described.gladly.url in lines[0]
    assert demo.described.mail.url in lines[1]
    assert demo.described.afterword.password in lines[2]


async def test_its_company_has_a_past_that_can_be_counted_and_nobody_of_it_is_asked(
    demo: Any, eventually: Any
) -> None:
    async def exports() -> int:
        return len(await demo.gladly("GET", "/api/v1/export/jobs"))

    await eventually(exports, within=30)  # they are made when all is told
    past = [seeded_id(f"past conversation {number}") for number in range(1, 500)]
    conversation = await demo.gladly("GET", f"/api/v1/conversations/{past[0]}")
    assert conversation["status"] == "CLOSED"
    told = await demo.fetch("SELECT count(*) FROM event WHERE conversation_id = ANY($1)", past)
    assert told[0]["count"] == 0
    sample = "FROM response WHERE kind = 'imported' AND embedded_data ->> 'SampleData' <> ''"

    async def answered() -> int:
        return int((await demo.fetch(f"SELECT count(*) {sample}"))[0]["count"])

    await eventually(answered, within=30)
    about = await demo.fetch(f"SELECT embedded_data ->> 'ConversationId' AS id {sample}")
    assert {row["id"] for row in about} <= set(past)
    begins = "SELECT begins_at > now() - interval '1 hour' AS late FROM gladly_reading"
    looked = await eventually(lambda: demo.fetch(begins), within=30)
    assert looked[0]["late"], "what was closed before is not looked for"


async def test_a_second_demo_on_the_same_folder_or_ports_names_the_one_that_runs(
    demo: Any, tmp_path: Path
) -> None:
    same_folder = afterword("demo", "--data-dir", str(demo.data_dir))
    port = demo.described.afterword.url.rpartition(":")[2]
    same_ports = afterword("demo", "--data-dir", str(tmp_path), "--port-base", port)
    for told in (same_folder, same_ports):
        assert (told.returncode, told.stderr) == (0, "")
        assert demo.described.afterword.url in told.stdout


async def test_a_part_that_dies_is_started_again_and_demo_json_says_so(demo: Any, eventually: Any) -> None:
    for role in ("sandbox", "worker"):
        gone = demo.kill(role)

        def is_up_again(role: str = role, gone: int = gone) -> bool:
            pids = getattr(demo.described.processes, role)
            return bool(pids) and gone not in pids

        await eventually(is_up_again, within=30)
    check_summary(afterword("demo", "--once", "--json", "--data-dir", str(demo.data_dir)).stdout)


async def test_runs_are_listed_and_shown_on_the_command_line_of_a_running_demo(demo: Any) -> None:
    summary = check_summary(afterword("demo", "--once", "--json", "--data-dir", str(demo.data_dir)).stdout)
    arguments = ("--data-dir", str(demo.data_dir), "--json")
    listed = afterword("runs", "list", "--conversation", summary["conversation_id"], *arguments)
    assert [run["id"] for run in json.loads(listed.stdout)] == [
        run["id"] for run in reversed(summary["runs"])
    ]
    shown = json.loads(afterword("runs", "show", str(summary["runs"][1]["id"]), *arguments).stdout)
    assert shown["tasks"][0]["attempts"][0]["input"]["email"].endswith("@customers.example")
    for_people = afterword("runs", "show", str(summary["runs"][2]["id"]), *arguments[:2])
    assert "CSAT Score: 5" in for_people.stdout
    missing = afterword("runs", "show", "999999", *arguments[:2])
    assert missing.returncode == 1
    assert "no run 999999" in missing.stderr


def test_a_port_that_somebody_else_has_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = afterword("demo", "--data-dir", str(tmp_path), "--port-base", str(port))
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert f"Port {port} is taken" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--json"], "--once"),
        (["--ephemeral", "--data-dir", "x"], "--ephemeral"),
        (["--port-base", "70000"], "--port-base"),
    ],
)
def test_options_that_do_not_fit_are_told_in_a_line(arguments: list[str], told: str, tmp_path: Path) -> None:
    answer = afterword("demo", *arguments, HOME=str(tmp_path))
    assert answer.returncode == 1
    assert told in answer.stderr
    assert "Traceback" not in answer.stderr


def test_once_with_its_own_servers_leaves_nothing_running_and_the_data_is_there_again(tmp_path: Path) -> None:
    data_dir = tmp_path / "a folder with spaces"
    first = check_summary(afterword("demo", "--once", "--json", "--data-dir", str(data_dir)).stdout)
    assert processes_of(data_dir) == []
    assert not (data_dir / descriptor.FILE_NAME).exists()
    second = check_summary(afterword("demo", "--once", "--json", "--data-dir", str(data_dir)).stdout)
    assert second["runs"][0]["id"] > first["runs"][-1]["id"]
    listed = afterword("runs", "list", "--json", "--data-dir", str(data_dir))
    assert len(json.loads(listed.stdout)) == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_when_the_demo_ends_nothing_of_it_is_left_even_if_a_child_was_killed_before(
    start_demo: Callable[..., subprocess.Popen[bytes]],
    free_port_base: Callable[[], int],
    tmp_path: Path,
    eventually: Any,
    number: signal.Signals,
) -> None:
    data_dir = tmp_path / "demo"
    process = start_demo(data_dir, "--port-base", str(free_port_base()))
    await eventually(lambda: descriptor.read(data_dir), within=60)
    described = descriptor.read(data_dir)
    assert described is not None
    os.kill(described.processes.web[0], signal.SIGKILL)
    process.send_signal(number)
    await eventually(lambda: process.poll() is not None, within=30)
    await eventually(lambda: processes_of(data_dir) == [], within=30)
    if number == signal.SIGINT:
        assert not (data_dir / descriptor.FILE_NAME).exists()


async def test_ten_deaths_in_a_minute_end_the_whole_with_the_cause(
    start_demo: Callable[..., subprocess.Popen[bytes]],
    free_port_base: Callable[[], int],
    tmp_path: Path,
    eventually: Any,
) -> None:
    data_dir = tmp_path / "demo"
    process = start_demo(data_dir, "--port-base", str(free_port_base()))
    await eventually(lambda: descriptor.read(data_dir), within=60)
    killed: set[int] = set()

    def kill_again() -> bool:
        described = descriptor.read(data_dir)
        for pid in described.processes.sandbox if described else ():
            if pid not in killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
        return process.poll() is not None

    await eventually(kill_again, within=120)
    assert process.returncode == 1
    assert "10 deaths within a minute; the last was sandbox" in (data_dir / "demo.out").read_text()
    await eventually(lambda: processes_of(data_dir) == [], within=30)
