"""What arrives together is done together: one statement, one commit, for many who wait.

Under load a commit costs more than what it commits, and a trip to the server more than a row. Whoever adds something
waits for its own result; what arrives while batches are under way makes the next batch, so that batches grow with the
load and nobody is kept waiting for a timer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Collects items and has them done in batches.

    ``carry_out`` answers a result for each item, in order; an exception among them is raised to that item's adder, one
    that it raises itself to all of them, except those of ``alone_on``: they are one item's fault, so the batch is
    halved until that one is alone. At most ``in_flight`` batches of at most ``largest`` items are under way.
    """

    def __init__(
        self,
        carry_out: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        largest: int,
        in_flight: int,
        alone_on: tuple[type[Exception], ...] = (),
    ) -> None:
        self._carry_out = carry_out
        self._alone_on = alone_on
        self._largest = largest
        self._most_in_flight = in_flight
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._about_to_start = False
        self._in_flight: set[asyncio.Task[None]] = set()

    async def add(self, item: Item) -> Result:
        """Have it done with what else there is; answers its result."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        self._start_soon()
        return await done

    async def finish(self) -> None:
        """Wait for what is under way and what waits; nothing new may be added any more."""
        while self._waiting or self._in_flight:
            self._start()
            await asyncio.wait(set(self._in_flight))

    def _start_soon(self) -> None:
        """Start when all that has arrived by now was seen to: it halves the number of batches under load."""
        if not self._about_to_start:
            self._about_to_start = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._about_to_start = False
        while self._waiting and len(self._in_flight) < self._most_in_flight:
            batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
            task = asyncio.create_task(self._do(batch))
            self._in_flight.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._start()

    async def _do(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._results([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            results = [error] * len(batch)
        for (_, done), result in zip(batch, results, strict=True):
            if done.done():  # whoever waited was cancelled
                continue
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)

    async def _results(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        try:
            return await self._carry_out(items)
        except self._alone_on as error:
            if len(items) == 1:
                return [error]
            middle = len(items) // 2
            return [*await self._results(items[:middle]), *await self._results(items[middle:])]
