"""The folder: documents as YAML files that say where in them each value stands, and JSON Schemas for editors."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from afterword.config_files.documents import FOLDERS, MODELS, SCHEMAS, Document, Kind
from afterword.outcomes import ConfigurationError

LARGEST_FILE = 2_000_000
"""Bytes."""
MOST_FILES = 5000
SCHEMA_FOLDER = "schemas"
NOT_IN_TEXT = re.compile("[\x00\ud800-\udfff]")
NO_TEXT = "a text has neither a NUL nor half a surrogate pair"
UNKNOWN_FIELD = re.compile(r"unknown field `([^`]+)`")
PATH_PART = re.compile(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class Fault(msgspec.Struct, frozen=True, order=True):
    """Something wrong in a file: ``line`` counts from 1, 0 for the file as a whole."""

    file: str
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.words}" if self.line else f"{self.file}: {self.words}"


class Faults(ConfigurationError):
    """Nothing was changed; each fault at its line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        told = "\n  ".join(str(fault) for fault in self.faults)
        super().__init__(f"nothing was changed: {len(self.faults)} to mend\n  {told}")


class Source(msgspec.Struct, frozen=True, eq=False):
    """Where a document came from; ``tree`` knows the line of each value."""

    file: str
    tree: Any

    def fault(self, path: str, words: str) -> Fault:
        """A fault at a path such as ``tasks[0].configuration.email``; at the nearest value above where it has none."""
        return Fault(self.file, _line(self.tree, path), words)


class Loaded(msgspec.Struct, frozen=True, eq=False):
    """A document with its source."""

    kind: Kind
    document: Document
    source: Source


def read_folder(folder: Path) -> list[Loaded]:
    """Read every document.

    Raises:
        Faults: all that cannot be read, each at its line.
        ConfigurationError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder; `afterword export {folder}` makes one.")
    loaded: list[Loaded] = []
    faults: list[Fault] = []
    for kind, file in _files(folder):
        try:
            loaded.append(_read(folder, kind, file))
        except Faults as error:
            faults += error.faults
    if faults:
        raise Faults(faults)
    if not loaded:
        raise ConfigurationError(
            f"{folder} holds no configuration: it is looked for in {', '.join(FOLDERS.values())}."
        )
    return loaded


def write_folder(
    folder: Path, documents: Iterable[tuple[Kind, Document]], schemas: Mapping[Kind, Any]
) -> int:
    """Write the documents and the schemas, and remove the files of what is no more; answers how many there are."""
    written: set[Path] = set()
    for kind, document in documents:
        target = folder / FOLDERS[kind]
        target.mkdir(parents=True, exist_ok=True)
        file = _free_name(target, _slug(str(document.name)), written)
        schema = f"# yaml-language-server: $schema=../{SCHEMA_FOLDER}/{SCHEMAS[kind]}\n"
        file.write_text(schema + _dump(msgspec.to_builtins(document, order=None)), "utf-8")
        written.add(file)
    for _, file in _files(folder):
        if file not in written:
            file.unlink()
    (folder / SCHEMA_FOLDER).mkdir(exist_ok=True)
    for kind, schema_of_kind in schemas.items():
        text = msgspec.json.format(msgspec.json.encode(schema_of_kind), indent=2)
        (folder / SCHEMA_FOLDER / SCHEMAS[kind]).write_bytes(text + b"\n")
    return len(written)


def _files(folder: Path) -> list[tuple[Kind, Path]]:
    files = [
        (kind, file)
        for kind, name in FOLDERS.items()
        for file in sorted((folder / name).glob("*.y*ml"))
        if file.suffix in {".yaml", ".yml"}
    ]
    if len(files) > MOST_FILES:
        raise ConfigurationError(f"{folder} has more than {MOST_FILES} files.")
    return files


def _read(folder: Path, kind: Kind, file: Path) -> Loaded:
    name = str(file.relative_to(folder))
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise Faults([Fault(name, 0, f"it is larger than {LARGEST_FILE // 1_000_000} MB")])
        text = file.read_text("utf-8")
        tree = YAML(typ="rt").load(text)
        plain = YAML(typ="safe", pure=True).load(text)
    except OSError as error:
        raise Faults([Fault(name, 0, f"it cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise Faults([Fault(name, 0, "it is not UTF-8 text")]) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
        raise Faults([Fault(name, line, f"it is not YAML: {error.problem}")]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise Faults([Fault(name, 0, f"it is not YAML: {str(error).splitlines()[0]}")]) from None
    source = Source(name, tree)
    if unfit := [source.fault(path, NO_TEXT) for path in _unfit(plain)]:
        raise Faults(unfit)
    try:
        document: Document = msgspec.convert(plain, MODELS[kind])  # type: ignore[assignment]
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `$")
        unknown = UNKNOWN_FIELD.search(words)
        place = path.strip("`.") + (f".{unknown[1]}" if unknown else "")
        raise Faults([source.fault(place, f"{words}{_at(path)}")]) from None
    return Loaded(kind, document, source)


def _unfit(value: object, path: str = "") -> Iterator[str]:
    """The places of texts that no database keeps."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unfit(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unfit(item, f"{path}[{number}]")
    elif isinstance(value, str) and NOT_IN_TEXT.search(value):
        yield path


def _at(path: str) -> str:
    path = path.strip("`.")
    return f" ({path})" if path else ""


def _line(tree: Any, path: str) -> int:
    """The line of the value at a path, or of the nearest value above that has one."""
    line = 1 if tree is None else getattr(getattr(tree, "lc", None), "line", 0) + 1
    node = tree
    for part in _parts(path):
        positions = getattr(getattr(node, "lc", None), "data", None) or {}
        if part in positions:
            line = positions[part][0] + 1
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _parts(path: str) -> Iterator[str | int]:
    for match in PATH_PART.finditer(path):
        if match[1] is not None:
            yield match[1]
        elif match[2].isdigit():
            yield int(match[2])


def _dump(value: object) -> str:
    writer = YAML()
    writer.default_flow_style = False
    writer.width = 100
    writer.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    writer.dump(_in_blocks(value), text)
    return text.getvalue()


def _in_blocks(value: Any) -> Any:
    """Texts of several lines as blocks, so that they read as what they are."""
    from ruamel.yaml.scalarstring import LiteralScalarString  # noqa: PLC0415

    if isinstance(value, dict):
        return {key: _in_blocks(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_blocks(item) for item in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:60] or "unnamed"


def _free_name(folder: Path, slug: str, taken: set[Path]) -> Path:
    candidates = (f"{slug}.yaml", *(f"{slug}-{number}.yaml" for number in range(2, MOST_FILES)))
    return next(folder / name for name in candidates if folder / name not in taken)
