import asyncio

from hypothesis import given
from hypothesis import strategies as st

from afterword.store.places import Places


class Works:
    """Who works in the order in which they began, and how many did at once at the most."""

    def __init__(self, number: int) -> None:
        self.places = Places(number)
        self.began = list[str]()
        self.at_once = self.most = 0

    async def work(self, name: str, urgency: int = 0) -> None:
        async with self.places.taken(urgency):
            self.began.append(name)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            try:
                await asyncio.sleep(0)
            finally:
                self.at_once -= 1


async def test_the_most_urgent_goes_first_and_of_the_same_who_came_first() -> None:
    works = Works(1)
    who = [("a", 0), ("b", 0), ("live", 1), ("c", 0), ("another", 1)]
    await asyncio.gather(*(works.work(name, urgency) for name, urgency in who))
    assert works.began == ["a", "live", "another", "b", "c"]


@given(
    number=st.integers(min_value=1, max_value=4),
    cancelled=st.lists(st.booleans(), min_size=1, max_size=20),
)
async def test_no_more_work_at_once_and_whoever_is_cancelled_costs_no_place(
    number: int, cancelled: list[bool]
) -> None:
    works = Works(number)
    tasks = [asyncio.create_task(works.work(str(n), n % 2)) for n in range(len(cancelled))]
    await asyncio.sleep(0)
    for task, is_cancelled in zip(tasks, cancelled, strict=True):
        if is_cancelled:
            task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert works.most <= number
    async with asyncio.timeout(5), works.places.taken(0), asyncio.TaskGroup() as group:
        for n in range(number - 1):
            group.create_task(works.work(f"after {n}"))
