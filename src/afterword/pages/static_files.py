"""Style sheet, script and icon, at addresses that change with their content, so that browsers keep them."""

import functools
import hashlib
from pathlib import Path

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from afterword.translating import N_

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


class StaticFile(msgspec.Struct, frozen=True):
    """A file as it is served."""

    content: bytes
    media_type: str


@functools.cache
def _files() -> tuple[dict[str, str], dict[str, StaticFile]]:
    """Served name by file name, and file by served name."""
    names: dict[str, str] = {}
    files: dict[str, StaticFile] = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in MEDIA_TYPES:
            content = path.read_bytes()
            served = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
            names[path.name] = served
            files[served] = StaticFile(content, MEDIA_TYPES[path.suffix])
    return names, files


def static_url(name: str) -> str:
    """The address of a file in ``static/``.

    Raises:
        KeyError: there is none of that name.
    """
    return f"/static/{_files()[0][name]}"


def static_routes() -> list[HTTPRouteHandler]:
    """The route that serves them."""

    @get("/static/{name:str}", sync_to_thread=False)
    def static_file(name: FromPath[str]) -> Response[bytes]:
        """Serve one file."""
        file = _files()[1].get(name)
        if file is None:
            raise NotFoundException(N_("There is no such file; reload the page that asked for it."))
        return Response(file.content, media_type=file.media_type, headers=HEADERS)

    return [static_file]
