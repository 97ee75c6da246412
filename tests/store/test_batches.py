import asyncio
from collections.abc import Sequence

import pytest

from afterword.store.batches import Batches


class Doubling:
    """Doubles numbers, refuses whole batches in which there is a negative one, and remembers what it was given."""

    def __init__(self) -> None:
        self.given = list[list[int]]()

    async def __call__(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.given.append(list(numbers))
        await asyncio.sleep(0)
        if any(number < 0 for number in numbers):
            raise ValueError("negative")
        return [OverflowError() if number > 100 else 2 * number for number in numbers]


async def test_what_arrives_together_is_done_together_and_each_gets_its_own_result() -> None:
    doubling = Doubling()
    batches = Batches(doubling, largest=3, in_flight=1)
    results = await asyncio.gather(*(batches.add(number) for number in (1, 2, 3, 4)))
    assert results == [2, 4, 6, 8]
    assert doubling.given == [[1, 2, 3], [4]]


async def test_an_error_among_the_results_is_for_one_alone() -> None:
    batches = Batches(Doubling(), largest=10, in_flight=1)
    results = await asyncio.gather(*(batches.add(number) for number in (1, 101, 2)), return_exceptions=True)
    assert [type(result) for result in results] == [int, OverflowError, int]


async def test_one_that_cannot_be_done_is_left_alone_and_the_others_are_done() -> None:
    batches = Batches(Doubling(), largest=10, in_flight=1, alone_on=(ValueError,))
    results = await asyncio.gather(
        *(batches.add(number) for number in (1, 2, -3, 4, 5)), return_exceptions=True
    )
    assert [type(result) for result in results] == [int, int, ValueError, int, int]


async def test_any_other_error_is_for_all() -> None:
    batches = Batches(Doubling(), largest=10, in_flight=1)
    results = await asyncio.gather(*(batches.add(number) for number in (1, -2)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]
    with pytest.raises(ValueError, match="negative"):
        await batches.add(-1)
