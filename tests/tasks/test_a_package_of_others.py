"""A task type of somebody else's package: the docs' example, really installed; and packages with mistakes."""

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afterword.cli import app
from afterword.outcomes import ConfigurationError, Permanent
from afterword.tasks.contract import Done, Repetition, TaskCall
from afterword.tasks.describing import describe_installed
from afterword.tasks.registry import GROUP, load_task_types

DOC = Path(__file__).resolve().parents[2] / "docs" / "adding-a-task-type.md"
FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = {
    "add-contact",
    "distribute-survey",
    "email-notification",
    "gladly-add-topics",
    "gladly-create-task",
    "gladly-timeline-event",
    "send-json-event",
    "web-service",
}


def install(files: dict[str, str], site: Path) -> None:
    """Build a package and install it into a folder of its own, as pip does; nothing is downloaded."""
    source = site.parent / f"source of {site.name}"
    source.mkdir()
    for name, content in files.items():
        (source / name).write_text(content, "utf-8")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(site), str(source)], check=True
    )


@pytest.fixture(scope="session")
def example_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the docs' example is installed."""
    site = tmp_path_factory.mktemp("others") / "site"
    files = dict(FILE.findall(DOC.read_text("utf-8")))
    assert set(files) == {"pyproject.toml", "append_to_file.py"}
    install(files, site)
    return site


@pytest.fixture
def example(example_site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, to be found by this process."""
    monkeypatch.syspath_prepend(example_site)
    return example_site


def broken_package(
    site: Path, name: str, module: str, *, package: str = "broken", value: str = "Broken"
) -> None:
    """What pip leaves of a package with one module and one task type."""
    information = site / f"{package}-0.3.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.3\n")
    (information / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {package}_module:{value}\n")
    (site / f"{package}_module.py").write_text(module)


def call(task_type: Any, **configuration: str) -> TaskCall[Any]:
    model = task_type.configuration(**configuration)
    return TaskCall(run_key="1", task_id="T-1", attempt=1, configuration=model, fields={})


@pytest.mark.usefixtures("example")
async def test_the_example_of_the_docs_is_installed_and_works(ready: Any, tmp_path: Path) -> None:
    task_types = load_task_types(ready.services)
    assert set(task_types) == OURS | {"append-to-file"}
    task, file = task_types["append-to-file"], tmp_path / "answers.jsonl"
    assert task.repetition is Repetition.LOOKED_UP
    wanted = call(task, path=str(file), text="all fine")
    plan = await task.plan(wanted)
    assert not file.exists()
    for already_there in (False, True):
        done = await task.run(wanted)
        assert isinstance(done, Done)
        assert done.output == {"path": str(file), "alreadyThere": already_there}
        assert done.sent == plan.sends
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"key": "1/T-1", "text": "all fine"}
    ]
    assert (await task.plan(wanted)).repeats
    with pytest.raises(Permanent):
        await task.run(call(task, path=str(tmp_path / "none" / "x"), text=""))


@pytest.mark.usefixtures("example")
def test_the_example_of_the_docs_appears_on_the_command_line() -> None:
    listed = CliRunner().invoke(app, ["tasks", "list"])
    assert (
        "append-to-file         Append to file (afterword-append-to-file 1.2.0)" in listed.stdout.splitlines()
    )
    shown = CliRunner().invoke(app, ["tasks", "show", "append-to-file"]).stdout
    assert "Appends a line of JSON to a file, for programs that read files." in shown
    assert "text (required, piped text): Text. What the line says." in shown
    assert "Outputs: path, alreadyThere" in shown


GOOD = """
import msgspec
from afterword.tasks.contract import Done, Plan, Repetition
class Configuration(msgspec.Struct):
    pass
class Broken:
    name = "broken-one"
    label = "Broken"
    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = Configuration
    def __init__(self, services): pass
    def outputs(self, configuration): return ()
    async def plan(self, call): return Plan({})
    async def run(self, call): return Done()
"""


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def broken(", "SyntaxError"),
        ("Other = 1", "AttributeError"),
        ("raise SystemExit('boom')", "SystemExit: boom"),
        (GOOD.replace("services): pass", "services): 1 / 0"), "ZeroDivisionError"),
        (GOOD.replace('    label = "Broken"\n', ""), "its label is missing"),
        (GOOD.replace("    repeats_when_unknown = True\n", ""), "its repeats_when_unknown is missing"),
        (
            GOOD.replace("Repetition.IDEMPOTENT", '"idempotent"'),
            "its repetition is missing, or is no Repetition",
        ),
        (GOOD.replace("msgspec.Struct", "object"), "its configuration is no msgspec.Struct"),
        (GOOD.replace("def outputs", "def puts"), "it has no outputs()"),
        (GOOD.replace("async def plan", "def plan"), "its plan() is not async"),
        (GOOD.replace('"broken-one"', '"other"'), "its name is 'other'"),
    ],
)
def test_one_that_cannot_be_used_is_told_by_name_and_the_others_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, words: str
) -> None:
    broken_package(tmp_path, "broken-one", module)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_module", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    _, installed = describe_installed()
    assert OURS.isdisjoint(broken.name for broken in installed.unusable)
    (broken,) = [found for found in installed.unusable if found.name == "broken-one"]
    assert broken.package == "broken 0.3"
    assert words in broken.words
    listed = CliRunner().invoke(app, ["tasks", "list"])
    assert listed.exit_code == 0
    assert f"cannot be used (broken 0.3): {broken.words.splitlines()[0]}" in listed.stdout
    (tmp_path / "broken_module.py").write_text(GOOD)
    monkeypatch.delitem(sys.modules, "broken_module", raising=False)
    assert "broken-one" in describe_installed()[1].usable


def test_a_name_that_two_packages_bring_is_an_error_that_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_package(tmp_path, "web-service", GOOD, package="rival")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        describe_installed()
    for word in ("'web-service'", "rival 0.3", "afterword "):
        assert word in str(refused.value)


def test_every_entry_point_of_ours_is_found() -> None:
    assert {entry_point.name for entry_point in entry_points(group=GROUP)} == OURS
