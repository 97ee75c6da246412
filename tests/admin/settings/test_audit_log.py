"""The audit log on a page: newest first, filtered, paged; what is changed on pages is the person's doing."""

import re

from tests.fixtures.admin_pages import Browser

from afterword.accounts.audit import Actor, act_as, audit
from afterword.accounts.people import Person
from afterword.store.database import Database

AUDIT = "/settings/audit"


def subjects(page: str) -> list[str]:
    return re.findall(r"thing (\d+)</a>: changed", page)


async def test_what_is_changed_on_a_page_is_told_with_who_and_from_what_to_what(
    signed_in: Browser, owner: Person
) -> None:
    await signed_in.send("/workflows/sending/pause", {"why": "wrong <text>"})
    new = {"email": "n@example.org", "name": "Nora <N>", "role": "manager"}
    _, page = await signed_in.send("/settings/people", new)
    nora = re.search(r'id="person-(UR_\w+)">\s*<td class="whole"><b>Nora', page)
    assert nora is not None
    await signed_in.send(f"/settings/people/{nora[1]}", {"do": "role", "role": "analyst"})
    _, page = await signed_in.get(f"{AUDIT}?who={owner.id}")
    assert "Olivia Owner<small>by page</small>" in page
    assert "Role: <del>manager</del> → <ins>analyst</ins>" in page
    assert "Why: wrong &lt;text&gt;" in page
    assert "Nora &lt;N&gt;" in page
    _, page = await signed_in.get(f"{AUDIT}?kind=sending")
    assert "All sending</a>: paused" in page
    assert "Nora &lt;N&gt;</a>" not in page
    _, page = await signed_in.get(f"{AUDIT}?subject={nora[1]}")
    assert page.count('id="entry-') == 3
    assert "sent a link to choose a password" in page
    _, page = await signed_in.get(f"{AUDIT}?who=nobody")
    assert "Nothing of what you look for is here." in page


async def test_it_is_paged_by_key(signed_in: Browser, database: Database) -> None:
    act_as(Actor("command-line", "Command line", "command"))
    async with database.transaction() as connection:
        for number in range(60):
            await audit(connection, "workflow", "changed", (f"OC_{number}", f"thing {number}"))
    _, page = await signed_in.get(f"{AUDIT}?kind=workflow")
    assert subjects(page) == [str(number) for number in range(59, 9, -1)]
    older = re.search(r'<a href="([^"]+)" rel="next">', page)
    assert older is not None
    _, page = await signed_in.get(older[1].replace("&amp;", "&"))
    assert subjects(page) == [str(number) for number in range(9, -1, -1)]
    assert 'rel="next"' not in page
