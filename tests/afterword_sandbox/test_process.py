"""The sandbox as a process: what it needs to start, how it stops, and what it still knows after it was
killed.
"""

import asyncio
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

CLOSE = {"status": {"value": "CLOSED", "force": True}}


def start_and_fail(command: list[str], environment: dict[str, str]) -> str:
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1, ended
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("option", ["--port", "--mail-page-port", "--smtp-port"])
def test_a_taken_port_is_named(sandbox: Any, tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = sandbox.command()
        command[command.index("--data-dir") + 1] = str(tmp_path)
        for name in ("--port", "--mail-page-port", "--smtp-port"):
            command[command.index(name) + 1] = port if name == option else "0"
        words = start_and_fail(command, sandbox.environment)
    assert f"port {port}" in words
    assert words.rstrip().endswith(f"Choose another with {option}.")


def test_a_data_directory_has_one_sandbox(sandbox: Any) -> None:
    command = sandbox.command()
    for name in ("--port", "--mail-page-port", "--smtp-port"):
        command[command.index(name) + 1] = "0"
    assert str(sandbox.data_dir) in start_and_fail(command, sandbox.environment)


@pytest.mark.parametrize("missing", ["AFTERWORD_SANDBOX_USERNAME", "AFTERWORD_SANDBOX_API_TOKEN"])
def test_without_credentials_it_does_not_start(sandbox: Any, missing: str) -> None:
    assert missing in start_and_fail(sandbox.command(), {**sandbox.environment, missing: ""})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_cleanly_with_connections_open(start_sandbox: Any, number: int) -> None:
    sandbox = start_sandbox()
    with socket.create_connection(("127.0.0.1", sandbox.smtp_port)) as smtp:
        assert smtp.recv(100).startswith(b"220")
        async with aiohttp.ClientSession(sandbox.mail_url) as page, page.get("/changes") as stream:
            assert await stream.content.readline() == b": watching\n"
            assert await asyncio.to_thread(sandbox.end, number) == 0


def test_it_stops_when_its_standard_input_ends(start_sandbox: Any) -> None:
    sandbox = start_sandbox("--exit-with-stdin")
    sandbox.process.stdin.close()
    assert sandbox.wait() == 0


async def test_what_was_answered_survives_a_kill_and_pending_deliveries_go_on(
    start_sandbox: Any, write: Any, receiver: Any, eventually: Any
) -> None:
    sandbox = start_sandbox("--requests-per-second", "1000")
    receiver.hold = asyncio.Event()
    async with sandbox.client() as gladly:
        webhook = {"url": receiver.url, "events": ["CONVERSATION/CLOSED"], "enabled": True}
        async with gladly.post("/api/v1/webhooks", json=webhook) as answer:
            assert answer.status == 201
        opened = [await write(client=gladly) for _ in range(5)]
        for conversation in opened:
            await gladly.patch(f"/api/v1/conversations/{conversation.conversation_id}", json=CLOSE)
        await eventually(lambda: len(receiver.events()) == 5)
        sandbox.end(signal.SIGKILL)
    receiver.hold.set()
    first = {event["id"] for event in receiver.events()}
    receiver.received.clear()

    sandbox.start()
    await eventually(lambda: len(receiver.events()) == 5)
    assert {event["id"] for event in receiver.events()} == first
    async with sandbox.client() as gladly:
        for conversation in opened:
            async with gladly.get(f"/api/v1/conversations/{conversation.conversation_id}") as answer:
                assert (await answer.json())["status"] == "CLOSED"
        async with gladly.get("/api/v1/inboxes") as answer:
            assert len(await answer.json()) == 4, "the company is not seeded twice"


async def test_nothing_of_its_data_is_for_others_to_read(sandbox: Any) -> None:
    assert sandbox.data_dir.stat().st_mode & 0o077 == 0
    databases = list(sandbox.data_dir.glob("*.db"))
    assert len(databases) == 2
    assert all(database.stat().st_mode & 0o077 == 0 for database in databases)
