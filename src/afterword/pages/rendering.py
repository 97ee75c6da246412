"""Templates made into pages, with the headers that every page carries."""

import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from litestar import Response

from afterword.pages import charts, wording
from afterword.pages.static_files import static_url
from afterword.translating import N_, retold, spoken, translated, translated_number

if TYPE_CHECKING:
    import jinja2

SHARED = Path(__file__).parent / "templates"

PAGE_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""On every page: nothing from elsewhere, nothing inline, nothing kept by caches, no address told on."""


class Templates:
    """The templates of one door, laid over the shared ones; a missing variable is an error, never a gap.

    Where two folders have one of the same name, the first one's is meant.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    @functools.cached_property
    def environment(self) -> "jinja2.Environment":
        """Jinja's, with the filters of every page."""
        import jinja2  # noqa: PLC0415

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([*self._folders, SHARED]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.policies["ext.i18n.trimmed"] = True
        environment.install_gettext_callables(translated, translated_number, newstyle=True)  # type: ignore[attr-defined]
        environment.globals["N_"] = N_
        environment.globals["language"] = spoken
        environment.filters["translated"] = translated
        environment.filters["retold"] = retold
        environment.filters |= wording.FILTERS
        environment.filters["bar"] = charts.bar
        environment.globals["static"] = static_url
        return environment

    def text(self, name: str, values: Mapping[str, object]) -> str:
        """The template filled in."""
        return self.environment.get_template(name).render(values)

    def page(
        self,
        name: str,
        values: Mapping[str, object] = MappingProxyType({}),
        *,
        status: int = 200,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Response[str]:
        """The template as an answer, with the headers of a page."""
        return Response(
            self.text(name, values),
            status_code=status,
            media_type="text/html",
            headers={**PAGE_HEADERS, **headers},
        )


@functools.cache
def _shared() -> Templates:
    return Templates(SHARED)


def error_page(status: int, title: str, message: str, *, leads_home: bool = False) -> str:
    """A page that tells of an error; to be sent with :data:`PAGE_HEADERS`.

    ``leads_home``: with a link to the first page, for those who work here.
    """
    told = {"status": status, "title": title, "message": message, "leads_home": leads_home}
    return _shared().text("error.html", told)
