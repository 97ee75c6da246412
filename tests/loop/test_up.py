"""An installation of one's own, started as its administrator would: the real processes."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from afterword.demo.ports import Ports

pytestmark = pytest.mark.loop

LINK = re.compile(r"make the owner: (http://\S+)")


def started(data_dir: Path, port: int) -> "subprocess.Popen[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AFTERWORD_")}
    settings = {"AFTERWORD_WEB_PORT": str(port), "AFTERWORD_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    proxy = {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}  # as in many companies; nobody listens there
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "afterword", "up", "--data-dir", str(data_dir)],
        cwd=data_dir.parent,
        env={**inherited, **proxy, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def said_until(process: "subprocess.Popen[str]", words: str) -> str:
    said = ""
    while words not in said:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        assert line, said
        said += line
    return said


async def test_an_installation_starts_lets_its_owner_in_and_stops_whole(
    tmp_path: Path, eventually: Any
) -> None:
    data_dir, port = tmp_path / "a data dir", Ports.free().web
    (tmp_path / "csv.py").write_text(
        "raise SystemExit('a file of somebody else, in the folder where it is started')"
    )
    process = started(data_dir, port)
    try:
        link = LINK.search(await said_until(process, "Ctrl-C"))
        assert link is not None
        async with aiohttp.ClientSession() as http:
            async with http.get(link[1]) as answer:
                assert "this installation will be yours" in await answer.text()
            async with http.get(f"http://127.0.0.1:{port}/health") as answer:
                assert (await answer.json())["status"] == "ok"
        again = await asyncio.to_thread(lambda: started(data_dir, port).communicate(timeout=30)[0])
        assert "Afterword runs already" in again
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.communicate, None, 30)
    assert not await asyncio.to_thread(left_behind, data_dir)


def left_behind(data_dir: Path) -> list[list[str]]:
    """The commands of what still runs of it."""
    commands = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [command for command in commands if any(str(data_dir) in word for word in command)]
