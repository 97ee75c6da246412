import asyncio
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from aiohttp.abc import ResolveResult

from afterword.outgoing import calls
from afterword.outgoing.calls import Caller
from afterword.outgoing.exchanges import KEPT_OF_A_BODY, recorded_exchanges
from afterword.outgoing.failures import BrokenOff, ForbiddenAddress, Unreachable
from afterword.outgoing.resolving import GuardedResolver

if TYPE_CHECKING:
    from tests.conftest import StandIn


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    caller = Caller()
    yield caller
    await caller.close()


async def test_an_answer_comes_back_whatever_its_status(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.answer(418, "short and stout", X_Kind="teapot")
    answer = await caller.call("POST", f"{stand_in.url}/a%2Fb?c=d%20e", headers={"X-Token": "t"}, body=b"{}")
    assert (answer.status, answer.text, answer.headers["x-kind"]) == (418, "short and stout", "teapot")
    request, body = stand_in.requests[0]
    assert request.raw_path == "/a%2Fb?c=d%20e"
    assert body == b"{}"
    assert request.headers["User-Agent"] == "Afterword/0.1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Token"] == "t"


async def test_a_redirect_is_not_followed(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.answer(302, Location=f"{stand_in.url}/elsewhere")
    stand_in.answer(200)
    answer = await caller.call("GET", stand_in.url, headers={"X-Token": "t"})
    assert answer.status == 302
    assert len(stand_in.requests) == 1


async def test_connections_are_used_again(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.answer(200)
    for _ in range(3):
        await caller.call("GET", stand_in.url, headers={})
    ports = {
        request.transport and request.transport.get_extra_info("peername") for request, _ in stand_in.requests
    }
    assert len(ports) == 1


async def test_a_huge_answer_is_cut(
    caller: Caller, stand_in: "StandIn", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "LARGEST_ANSWER", 1000)
    stand_in.answer(200, b"x" * 1000)
    stand_in.answer(200, b"x" * 300_000)
    whole = await caller.call("GET", stand_in.url, headers={})
    huge = await caller.call("GET", stand_in.url, headers={})
    assert (len(whole.body), whole.cut) == (1000, False)
    assert (len(huge.body), huge.cut) == (1000, True)


async def test_nobody_listens(caller: Caller, unused_tcp_port: int) -> None:
    with pytest.raises(Unreachable, match="refused"):
        await caller.call("POST", f"http://127.0.0.1:{unused_tcp_port}/secret", headers={}, body=b"{}")


async def test_a_name_that_does_not_exist(caller: Caller) -> None:
    with pytest.raises(Unreachable, match="cannot be resolved"):
        await caller.call("GET", "https://no-such-host.invalid/secret", headers={})


async def test_a_server_that_speaks_no_tls(caller: Caller, stand_in: "StandIn") -> None:
    with pytest.raises(Unreachable, match="certificate or encryption"):
        await caller.call("GET", stand_in.url.replace("http:", "https:"), headers={})


async def test_a_name_that_leads_into_a_private_network(
    caller: Caller, stand_in: "StandIn", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(*_: object) -> list[ResolveResult]:
        return [
            ResolveResult(hostname="h", host="127.0.0.1", port=443, family=socket.AF_INET, proto=0, flags=0)
        ]

    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", resolve)
    with pytest.raises(Unreachable, match="private network"):
        await caller.call("GET", stand_in.url.replace("127.0.0.1", "acme.gladly.com"), headers={})
    assert stand_in.requests == []


async def test_localhost_is_resolved_to_this_machine() -> None:
    resolver = GuardedResolver(allow_private=False)
    assert {found["host"] for found in await resolver.resolve("localhost", 80)} <= {"127.0.0.1", "::1"}


async def test_an_address_of_the_link_is_refused_even_where_private_ones_are_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def resolve(*_: object) -> list[ResolveResult]:
        return [
            ResolveResult(hostname="h", host=host, port=80, family=socket.AF_INET, proto=0, flags=0)
            for host in ("169.254.169.254", "10.0.0.5")
        ]

    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", resolve)
    allowed = await GuardedResolver(allow_private=True).resolve("sandbox.internal", 80)
    assert [found["host"] for found in allowed] == ["10.0.0.5"]
    with pytest.raises(ForbiddenAddress):
        await GuardedResolver(allow_private=False).resolve("sandbox.internal", 80)


async def test_no_answer_in_time(stand_in: "StandIn") -> None:
    stand_in.hang()
    caller = Caller(total_seconds=0.2)
    with pytest.raises(BrokenOff) as broken:
        await caller.call("POST", stand_in.url, headers={}, body=b"{}")
    assert broken.value.timed_out
    await caller.close()


@pytest.mark.parametrize("after", [None, b"half"])
async def test_the_connection_breaks_off(caller: Caller, stand_in: "StandIn", after: bytes | None) -> None:
    stand_in.drop(after=after)
    with pytest.raises(BrokenOff) as broken:
        await caller.call("POST", stand_in.url, headers={}, body=b"{}")
    assert not broken.value.timed_out
    assert len(stand_in.requests) == 1, "a POST is never repeated here"


async def test_what_does_not_speak_http(caller: Caller) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BrokenOff):
            await caller.call("GET", f"http://127.0.0.1:{port}/", headers={})


async def test_after_closing_a_call_opens_a_new_connection(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.answer(200)
    await caller.call("GET", stand_in.url, headers={})
    await caller.close()
    assert (await caller.call("GET", stand_in.url, headers={})).status == 200


async def test_no_failure_tells_the_address(stand_in: "StandIn", unused_tcp_port: int) -> None:
    stand_in.drop()
    caller = Caller(total_seconds=0.2)
    secret = "/triggers?urlTokenId=sesame"
    for url in (stand_in.url, f"http://127.0.0.1:{unused_tcp_port}", "https://no-such-host.invalid"):
        with pytest.raises((Unreachable, BrokenOff)) as failed:
            await caller.call("POST", url + secret, headers={}, body=b"{}")
        assert "sesame" not in str(failed.value)
        assert failed.value.__suppress_context__
    await caller.close()


async def test_a_call_may_have_limits_of_its_own(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.answer(200, b"x" * 300)
    stand_in.hang()
    cut = await caller.call("GET", stand_in.url, headers={}, largest_answer=100)
    assert (len(cut.body), cut.cut) == (100, True)
    with pytest.raises(BrokenOff) as broken_off:
        await caller.call("GET", stand_in.url, headers={}, total_seconds=0.1)
    assert broken_off.value.timed_out


async def test_what_is_recorded_holds_no_secret_no_query_value_and_not_more_than_is_kept(
    caller: Caller, stand_in: "StandIn"
) -> None:
    secret = "s3cret" * 5
    stand_in.answer(200, ("y" * (KEPT_OF_A_BODY - 10) + secret).encode())
    with recorded_exchanges() as exchanges:
        await caller.call(
            "POST",
            f"{stand_in.url}/a?key={secret}",
            headers={"Authorization": secret},
            body=f"it is {secret} and \0".encode(),
            secrets=[secret],
        )
    (exchange,) = exchanges
    assert exchange.address == f"{stand_in.url}/a?key=…"
    assert exchange.request == "it is ••• and \N{REPLACEMENT CHARACTER}"
    assert "s3c" not in str(exchange)
    assert len(exchange.answer.encode()) <= KEPT_OF_A_BODY
    assert exchange.cut
