"""How soon `afterword demo` is ready, the first time and the next, and how much memory its Python processes take.

Ready is when ``demo.json`` is written: everything answers. The machine is warm: our modules are compiled, and the
files that are read lie in memory, by a start that is not counted. Memory is the proportional set size (pages that
processes share are counted once) after the loop was gone once; only Linux tells it. The ratio is the first start's
time over the 5 s that we allow it.
"""

import compileall
import statistics
import sys
from pathlib import Path

import aiohttp

import afterword
from afterword.demo.once import Way
from support.results import Figure, Result, run
from support.servers import RunningDemo, demo, demo_folder

TIMES = 3
BUDGET_SECONDS = 5.0
KIB_PER_MIB = 1024


async def measure(times: int) -> Result:
    """Start the demo in new folders so many times, and again in each.

    Raises:
        NotMeasured: the demo did not get ready.
    """
    compileall.compile_dir(Path(afterword.__file__).parents[1], quiet=2)
    first, again, memory = [], [], []
    for number in range(times + 1):
        with demo_folder() as folder:
            async with demo(folder) as running:
                first_seconds = running.seconds
                await _go_once(running)
                parts = _memory(running)
            async with demo(folder) as running:
                again_seconds = running.seconds
        print(f"first {first_seconds:.2f} s, again {again_seconds:.2f} s", file=sys.stderr)
        if number > 0:
            first.append(first_seconds)
            again.append(again_seconds)
            memory.append(parts)
    return Result(
        "start of the demo",
        {
            "first start, until everything answers": Figure(round(statistics.median(first), 2), "s"),
            "next start": Figure(round(statistics.median(again), 2), "s"),
            **_figures(memory),
        },
        ratio=statistics.median(first) / BUDGET_SECONDS,
        ceiling=1.0,
    )


async def _go_once(running: RunningDemo) -> None:
    async with aiohttp.ClientSession() as http:
        await Way(running.descriptor, http, quiet=True).go()


def _memory(running: RunningDemo) -> dict[str, float]:
    """The proportional set size of each Python process, in MiB; empty where the system does not tell it."""
    if not Path("/proc/self/smaps_rollup").exists():
        return {}
    processes = running.descriptor.processes
    parts = {
        "demo": (running.process.pid,),
        "web": processes.web,
        "worker": processes.worker,
        "sandbox": processes.sandbox,
    }
    return {name: sum(map(_proportional_set_size, pids)) for name, pids in parts.items()}


def _proportional_set_size(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / KIB_PER_MIB


def _figures(memory: list[dict[str, float]]) -> dict[str, Figure]:
    medians = {name: statistics.median(parts[name] for parts in memory) for name in memory[0]}
    figures = {f"memory: {name}": Figure(round(value, 1), "MiB") for name, value in medians.items()}
    if medians:
        figures["memory: all Python processes"] = Figure(round(sum(medians.values()), 1), "MiB")
    return figures


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.times), times=TIMES))
