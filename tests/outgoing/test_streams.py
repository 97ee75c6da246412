import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from afterword.outgoing.calls import Caller
from afterword.outgoing.exchanges import KEPT_OF_A_BODY, recorded_exchanges
from afterword.outgoing.failures import BrokenOff, LineTooLong, Unreachable

if TYPE_CHECKING:
    from tests.conftest import StandIn

Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    caller = Caller()
    yield caller
    await caller.close()


async def lines_of(
    caller: Caller, url: str, *, idle_seconds: float = 10, total_seconds: float = 10
) -> list[bytes]:
    async with caller.stream(
        "GET", url, headers={}, idle_seconds=idle_seconds, total_seconds=total_seconds
    ) as stream:
        return [line async for line in stream.lines()]


async def test_lines_come_whole_however_they_are_sent(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.stream(b"on", b"e\ntwo\r\n", b"\nth", b"r", b"ee")
    stand_in.stream()
    assert await lines_of(caller, stand_in.url) == [b"one\n", b"two\r\n", b"\n", b"three"]
    assert await lines_of(caller, stand_in.url) == []


async def test_lines_are_answered_while_more_are_to_come(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.stream(b"one\ntwo\n", then="hang")
    async with (
        caller.stream("GET", stand_in.url, headers={}) as stream,
        contextlib.aclosing(stream.lines()) as lines,
    ):
        assert [await anext(lines), await anext(lines)] == [b"one\n", b"two\n"]


async def test_who_stops_early_closes_the_connection(
    caller: Caller, stand_in: "StandIn", eventually: Eventually
) -> None:
    stand_in.stream(b"one\ntwo\n", then="hang")
    async with caller.stream("GET", stand_in.url, headers={}) as stream:
        async for line in stream.lines():
            assert line == b"one\n"
            break
    await eventually(lambda: stand_in.left == 1)


async def test_a_stream_that_breaks_off_is_no_shorter_one(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.stream(b"one\ntwo\nthr", then="drop")
    seen: list[bytes] = []

    async def read() -> None:
        async with caller.stream("GET", stand_in.url, headers={}) as stream:
            async for line in stream.lines():
                seen.append(line)  # noqa: PERF401 - what came before it broke off counts

    with pytest.raises(BrokenOff) as broken:
        await read()
    assert not broken.value.timed_out
    assert b"thr" not in seen


async def test_a_stream_that_falls_silent_is_given_up(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.stream(b"one\n", then="hang")
    with pytest.raises(BrokenOff) as broken:
        await lines_of(caller, stand_in.url, idle_seconds=0.1)
    assert broken.value.timed_out


async def test_a_stream_has_an_end_of_time(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.stream(b"one\n", then="hang")
    with pytest.raises(BrokenOff) as broken:
        await lines_of(caller, stand_in.url, total_seconds=0.2)
    assert broken.value.timed_out


async def test_a_line_without_an_end_is_not_collected(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.stream(b"short\n", b"x" * 600, b"x" * 600)
    stand_in.stream(b"short\n" + b"x" * 1200 + b"\nshort\n")
    for _ in range(2):
        async with caller.stream("GET", stand_in.url, headers={}) as stream:
            with pytest.raises(LineTooLong, match="longer than 1000 bytes"):
                _ = [line async for line in stream.lines(longest=1000)]


async def test_nobody_listens_and_nobody_answers(
    caller: Caller, stand_in: "StandIn", unused_tcp_port: int
) -> None:
    with pytest.raises(Unreachable):
        await lines_of(caller, f"http://127.0.0.1:{unused_tcp_port}/secret")
    stand_in.hang()
    with pytest.raises(BrokenOff):
        await lines_of(caller, stand_in.url, idle_seconds=0.1)


async def test_another_answer_can_be_read_whole(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.answer(418, "short and stout", X_Kind="teapot")
    async with caller.stream("POST", stand_in.url, headers={}, body=b"{}") as stream:
        assert (stream.status, stream.headers["X-Kind"]) == (418, "teapot")
        assert (await stream.whole()).text == "short and stout"
    request, body = stand_in.requests[0]
    assert (request.method, body, request.headers["Content-Type"]) == ("POST", b"{}", "application/json")


async def test_what_is_recorded_of_a_stream_is_its_beginning(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.stream(*[b"x" * 999 + b"\n"] * 100)
    with recorded_exchanges() as exchanges:
        assert len(await lines_of(caller, f"{stand_in.url}/a?key=secret")) == 100
    (exchange,) = exchanges
    assert (exchange.status, exchange.address) == (200, f"{stand_in.url}/a?key=…")
    assert (len(exchange.answer), exchange.cut) == (KEPT_OF_A_BODY, True)


async def test_a_failure_of_whoever_reads_is_left_as_it_is(caller: Caller, stand_in: "StandIn") -> None:
    stand_in.stream(b"one\n")

    async def read() -> None:
        async with caller.stream("GET", stand_in.url, headers={}) as stream:
            async for _ in stream.lines():
                raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await read()
