"""Names resolved to addresses, and only to such as may be called."""

import socket
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from afterword.outgoing.addresses import may_resolve_to
from afterword.outgoing.failures import ForbiddenAddress


class GuardedResolver(AbstractResolver):
    """Resolves names, and refuses addresses that a name must not lead to."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name to the addresses that may be called."""
        found = await self._resolver.resolve(host, port, family)
        allowed = [result for result in found if self._may_call(host, result["host"])]
        if found and not allowed:
            raise ForbiddenAddress
        return allowed

    def _may_call(self, host: str, address: str) -> bool:
        return may_resolve_to(host, ip_address(address), allow_private=self._allow_private)

    async def close(self) -> None:
        """Nothing is held open."""
        await self._resolver.close()
