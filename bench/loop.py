"""The whole way in a demo of its own: from Close in Gladly to the mail server's taking the mail, again and again.

The ratio is the median over the 300 ms that we allow ourselves on an idle machine. The first time after a start is
told by itself: what is made or connected when it is first needed shows there.
"""

import asyncio
import statistics
import sys

import aiohttp

from afterword.demo.descriptor import Descriptor
from afterword.demo.once import StepDidNotComeAbout, Summary, Way
from support.results import Figure, NotMeasured, Result, run
from support.servers import demo, demo_folder

TO_WARM_UP = 3
TIMES = 20
BUDGET_SECONDS = 0.3
PAUSE_SECONDS = 0.25
"""Between two goings, so that Gladly's limit of 10 requests a second does not slow the next one."""

TO_THE_MAIL = ("close", "json_event", "mail")


async def measure(times: int) -> Result:
    """Go the way so many times, after warming up.

    Raises:
        NotMeasured: the demo did not start, or a step did not come about.
    """
    with demo_folder() as folder:
        async with demo(folder) as running:
            summaries = [await _go(running.descriptor) for _ in range(TO_WARM_UP + times)]
    first, warm = summaries[0], summaries[TO_WARM_UP:]
    to_the_mail = [_seconds_to_the_mail(summary) for summary in warm]
    whole = [sum(step.seconds for step in summary.steps) for summary in warm]
    median = statistics.median(to_the_mail)
    return Result(
        "from Close to the survey mail",
        {
            "median": _milliseconds(median),
            "95th percentile": _milliseconds(statistics.quantiles(to_the_mail, n=20)[-1]),
            "the first after the start": _milliseconds(_seconds_to_the_mail(first)),
            "whole loop, answer on the timeline included, median": _milliseconds(statistics.median(whole)),
        },
        ratio=median / BUDGET_SECONDS,
        ceiling=1.0,
    )


async def _go(descriptor: Descriptor) -> Summary:
    async with aiohttp.ClientSession() as http:
        try:
            summary = await Way(descriptor, http, quiet=True).go()
        except StepDidNotComeAbout as error:
            raise NotMeasured(f"{error.name} did not come about: {error}") from None
    print(*(f"{step.name} {step.seconds * 1000:.0f} ms" for step in summary.steps), sep=", ", file=sys.stderr)
    await asyncio.sleep(PAUSE_SECONDS)
    return summary


def _seconds_to_the_mail(summary: Summary) -> float:
    """From the moment at which Close is pressed."""
    return sum(step.seconds for step in summary.steps if step.name in TO_THE_MAIL)


def _milliseconds(seconds: float) -> Figure:
    return Figure(round(seconds * 1000, 1), "ms")


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.times), times=TIMES))
