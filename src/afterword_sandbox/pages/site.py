"""What the header of every page shows: the company, and the ways to the other pages."""

from typing import NamedTuple

from afterword_sandbox.company import people
from afterword_sandbox.sandbox import Sandbox


class Way(NamedTuple):
    """A link of the header."""

    name: str
    url: str
    is_here: bool = False


class Site(NamedTuple):
    """A site's name, what kind of site it is, its first page, and its ways."""

    name: str
    kind: str
    home: str
    ways: tuple[Way, ...]


def desktop_site(sandbox: Sandbox, here: str = "Customers") -> Site:
    """Return the header of the agent desktop and its settings; ``here`` is the way that was gone."""
    ways = (
        Way("Customers", "/", here == "Customers"),
        Way("Settings", "/settings/users", here == "Settings"),
        Way("Mail", sandbox.addresses.mail_url),
    )
    return Site(str(people.organization(sandbox.store, "")["name"]), "Agent desktop", "/", ways)
