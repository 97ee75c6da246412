"""The supervisor, with real processes: small Python programs that say in a shared file what befalls them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from afterword.log_files import LogFile
from afterword.supervisor import supervisor as supervisor_module
from afterword.supervisor.process import Process
from afterword.supervisor.supervisor import GaveUpError, Supervisor

Eventually = Callable[..., Awaitable[Any]]

CHILD = """
import signal, subprocess, sys, time
from pathlib import Path
from afterword.lifeline import exit_with_stdin

name, folder, *options = sys.argv[1:]

def say(what):
    with open(Path(folder, "story"), "a") as story:
        story.write(f"{name} {what}\\n")

def stop(*_):
    say("stops")
    if "stubborn" not in options:
        sys.exit(0)

signal.signal(signal.SIGTERM, stop)
exit_with_stdin(grace=0.5)
if "helped" in options:
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(folder, f"{name}-helper.pid").write_text(str(helper.pid))
say("is up")
Path(folder, f"{name}.up").touch()
while True:
    time.sleep(600)
"""

PARENT = """
import asyncio, sys
from pathlib import Path
from afterword.log_files import LogFile
from afterword.supervisor.process import Process
from afterword.supervisor.supervisor import Supervisor

folder = Path(sys.argv[1])

def child(name, *options):
    async def ready():
        return (folder / f"{name}.up").exists()
    command = [sys.executable, str(folder / "child.py"), name, str(folder), *options]
    return Process(name, command, log=LogFile(folder / f"{name}.log"), ready=ready, grace=0.5)

async def main():
    supervisor = Supervisor(on_change=tell, on_progress=print)
    supervisor.add(database)
    supervisor.add(web, after=["database"])
    supervisor.add(mail)
    await supervisor.run()

async def tell():
    new = folder / "pids.new"
    new.write_text(" ".join(str(pid) for child in (database, web, mail) for pid in child.pids()))
    new.rename(folder / "pids")

database, web, mail = child("database"), child("web", "helped"), child("mail", "stubborn")
asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "child.py").write_text(CHILD)
    (tmp_path / "parent.py").write_text(PARENT)
    return tmp_path


@pytest.fixture
def parent(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor in its own process, of database, web (which has a helper) and mail (stubborn)."""
    with subprocess.Popen([sys.executable, str(folder / "parent.py"), str(folder)]) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between two starts."""
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.0)


def make_child(folder: Path, name: str, *options: str) -> Process:
    return Process(
        name,
        [sys.executable, str(folder / "child.py"), name, str(folder), *options],
        log=LogFile(folder / f"{name}.log"),
        ready=up(folder, name),
        grace=0.5,
    )


def up(folder: Path, name: str) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return (folder / f"{name}.up").exists()

    return ready


async def always() -> bool:
    return True


def story(folder: Path) -> list[str]:
    return (folder / "story").read_text().splitlines()


def pids_of(folder: Path) -> list[int]:
    """The three children, and the helper that one of them started."""
    file, helper = folder / "pids", folder / "web-helper.pid"
    return [*map(int, file.read_text().split()), int(helper.read_text())] if file.exists() else []


async def test_children_start_in_order_of_dependence_and_stop_in_reverse(folder: Path) -> None:
    supervisor = Supervisor()
    supervisor.add(make_child(folder, "database"))
    supervisor.add(make_child(folder, "web"), after=["database"])
    supervisor.add(make_child(folder, "worker"), after=["web"])

    async def work() -> list[str]:
        return story(folder)

    assert await supervisor.run(work) == ["database is up", "web is up", "worker is up"]
    assert story(folder)[3:] == ["worker stops", "web stops", "database stops"]


async def test_children_that_do_not_depend_on_each_other_start_at_once(folder: Path) -> None:
    meeting = asyncio.Barrier(2)

    async def ready() -> bool:
        await meeting.wait()
        return True

    supervisor = Supervisor()
    for name in ("left", "right"):
        command = [sys.executable, str(folder / "child.py"), name, str(folder)]
        supervisor.add(Process(name, command, log=LogFile(folder / f"{name}.log"), ready=ready))

    async def work() -> str:
        return "both are up"

    assert await supervisor.run(work) == "both are up"


async def test_a_killed_child_is_started_again_and_its_owner_is_told(
    folder: Path, eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    child = make_child(folder, "web", "helped")
    told: list[list[int]] = []

    async def on_change() -> None:
        told.append(child.pids())

    supervisor = Supervisor(on_change=on_change)
    supervisor.add(child)

    async def work() -> None:
        (first,) = child.pids()
        helper = int((folder / "web-helper.pid").read_text())
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: len(told) == 2)
        assert child.pids() != [first]
        assert not is_alive(helper)

    await supervisor.run(work)
    assert len(told) == 2
    assert told[0] != told[1]
    assert not any(is_alive(pid) for (pid,) in told)


async def test_what_is_to_be_done_at_each_start_is_done_at_each(folder: Path, eventually: Eventually) -> None:
    starts: list[int] = []

    async def on_start() -> None:
        starts.append(len(starts))

    child = Process(
        "web",
        [sys.executable, str(folder / "child.py"), "web", str(folder)],
        log=LogFile(folder / "web.log"),
        ready=up(folder, "web"),
        on_start=on_start,
    )
    supervisor = Supervisor()
    supervisor.add(child)

    async def work() -> None:
        os.kill(child.pids()[0], signal.SIGKILL)
        await eventually(lambda: len(starts) == 2)

    await supervisor.run(work)


@pytest.mark.usefixtures("in_a_hurry")
async def test_ten_deaths_within_a_minute_end_the_whole_with_the_cause(
    folder: Path, is_alive: Callable[[int], bool]
) -> None:
    healthy = make_child(folder, "database")
    last_words = "import sys; print('deaf'); sys.exit('the letter box is nailed shut')"
    supervisor = Supervisor()
    supervisor.add(healthy)
    supervisor.add(
        Process(
            "mail",
            [sys.executable, "-c", last_words],
            log=LogFile(folder / "mail.log"),
            ready=up(folder, "mail"),
        ),
        after=["database"],
    )

    with pytest.raises(GaveUpError, match=r"(?s)mail: it ended with status 1.*the letter box is nailed shut"):
        await supervisor.run()

    assert (folder / "mail.log").read_text().count("nailed shut") == 10
    assert story(folder) == ["database is up", "database stops"]


@pytest.mark.usefixtures("in_a_hurry")
async def test_deaths_of_all_children_together_count(folder: Path) -> None:
    supervisor = Supervisor()
    for name in ("left", "right"):
        command = [sys.executable, "-c", f"print('{name} says no')"]
        supervisor.add(Process(name, command, log=LogFile(folder / f"{name}.log"), ready=up(folder, name)))

    with pytest.raises(GaveUpError):
        await supervisor.run()

    assert 10 <= sum((folder / f"{name}.log").read_text().count("no") for name in ("left", "right")) <= 11


async def test_a_command_that_does_not_exist_ends_the_whole_and_stops_what_is_up(folder: Path) -> None:
    supervisor = Supervisor()
    supervisor.add(make_child(folder, "database"))
    supervisor.add(
        Process("web", [str(folder / "missing")], log=LogFile(folder / "web.log"), ready=always),
        after=["database"],
    )

    with pytest.raises(FileNotFoundError):
        await supervisor.run()

    assert story(folder) == ["database is up", "database stops"]


async def test_an_error_in_the_work_stops_everything_and_is_raised(folder: Path) -> None:
    supervisor = Supervisor()
    supervisor.add(make_child(folder, "database"))

    async def work() -> None:
        raise LookupError("no survey")

    with pytest.raises(LookupError, match="no survey"):
        await supervisor.run(work)

    assert story(folder) == ["database is up", "database stops"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_stop_signal_stops_everything(
    folder: Path,
    parent: subprocess.Popen[bytes],
    number: signal.Signals,
    eventually: Eventually,
    is_alive: Callable[[int], bool],
) -> None:
    pids = await eventually(lambda: pids_of(folder))

    parent.send_signal(number)

    assert await eventually(lambda: parent.poll() is not None)
    assert parent.returncode == 0
    assert not any(map(is_alive, pids))
    told = story(folder)
    assert told.index("web stops") < told.index("database stops")


async def test_ctrl_c_leaves_nothing_even_if_a_child_was_killed_before(
    folder: Path, parent: subprocess.Popen[bytes], eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    pids = await eventually(lambda: pids_of(folder))

    os.kill(pids[1], signal.SIGKILL)
    parent.send_signal(signal.SIGINT)

    await eventually(lambda: parent.poll() is not None)
    assert not any(map(is_alive, [*pids, *pids_of(folder)]))


async def test_a_killed_supervisor_leaves_nothing(
    folder: Path, parent: subprocess.Popen[bytes], eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    pids = await eventually(lambda: pids_of(folder))
    assert all(map(is_alive, pids))

    parent.kill()

    await eventually(lambda: not any(map(is_alive, pids)))
    assert "database stops" in story(folder)
    assert "web stops" in story(folder)


async def test_a_service_cannot_be_started_after_one_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ValueError, match="web is to start after database, which is not there"):
        Supervisor().add(make_child(folder, "web"), after=["database"])


async def test_a_long_log_is_cut_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "logs" / "web.log", limit=1000)
    descriptor = log.open()
    for number in range(200):
        os.write(descriptor, f"line {number}\n".encode())

    log.trim()
    os.write(descriptor, b"one more\n")
    os.close(descriptor)

    assert log.last_lines() == "one more"
    before = log.path.with_name("web.log.1").read_text()
    assert before.endswith("line 199\n")
    assert len(before) == 1000


async def test_last_lines_are_those_of_the_present_run(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log")
    for words in (b"old\n", b"new\nnewer\n"):
        descriptor = log.open()
        os.write(descriptor, words)
        os.close(descriptor)

    assert log.last_lines() == "new\nnewer"
    assert log.last_lines(1) == "newer"
