"""Templates of the web interface, with what its layout shows on every page."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from litestar import Response

from afterword.admin.signing_in.sessions import AdminRequest, csrf_token
from afterword.pages.rendering import Templates

_templates = Templates(Path(__file__).parent / "templates")


def page(
    request: AdminRequest,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] = MappingProxyType({}),
    **values: object,
) -> Response[str]:
    """The template as an answer to this request."""
    of_layout = {"person": request.user, "csrf_token": csrf_token(request)}
    return _templates.page(name, {**of_layout, **values}, status=status, headers=headers)
