import re
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from litestar import Litestar

from afterword.pages.static_files import FOLDER, static_routes, static_url

LARGEST_STYLE_SHEET = 15_000


@pytest.mark.parametrize("name", ["afterword.css", "workbench.css", "live.js", "mark.svg"])
async def test_a_file_is_served_for_ever_at_an_address_of_its_content(
    serve: Callable[[Litestar], Awaitable[str]], name: str
) -> None:
    address = await serve(Litestar(route_handlers=static_routes(), openapi_config=None, logging_config=None))
    async with aiohttp.ClientSession(address) as http:
        async with http.get(static_url(name)) as answer:
            assert answer.status == 200
            assert await answer.read() == (FOLDER / name).read_bytes()
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for other in (name, "x.css", "..%2Frendering.py", "%00"):
            async with http.get(f"/static/{other}") as answer:
                assert answer.status == 404


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", text), path.name


@pytest.mark.parametrize("name", ["afterword.css", "workbench.css"])
def test_a_style_sheet_stays_small(name: str) -> None:
    assert (FOLDER / name).stat().st_size < LARGEST_STYLE_SHEET
