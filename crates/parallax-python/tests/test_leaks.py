"""Ten thousand calls leave no memory behind."""

import asyncio
import copy
import gc
import pickle
import resource

import numpy as np
import polars
import pytest

import parallax as px

CALLS = 10_000


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


EVENTS = px.sample()
COLUMNS = (EVENTS.t.copy(), EVENTS.x.copy(), EVENTS.y.copy(), EVENTS.p.copy())
CSV = b"t,x,y,p\n" + b"".join(b"%d,3,4,1\n" % t for t in range(100))


def failing():
    try:
        px.apply("polarity kep=on")
    except px.ParamError:
        pass


def reading():
    with px.open(CSV) as reader:
        return [len(batch) for batch in reader.between(10, 50)]


async def windows():
    return [len(window) async for window in px.open(CSV).by_count(50)]


WORK = {
    "columns": lambda: EVENTS[1:].t,
    "from_numpy": lambda: px.Events.from_numpy(*COLUMNS).x,
    "arrow": lambda: px.Events.from_arrow(EVENTS),
    "capsules that nobody takes": lambda: (EVENTS.__arrow_c_stream__(), EVENTS.__arrow_c_schema__()),
    "operator": lambda: EVENTS.polarity(keep="on"),
    "tensor": lambda: np.asarray(EVENTS.frame()),
    "dlpack": lambda: np.from_dlpack(EVENTS.column("t")),
    "dlpack that nobody takes": lambda: EVENTS.column("t").__dlpack__(max_version=(1, 0)),
    "windows": lambda: [len(window) for window in EVENTS.by_count(500)],
    "error": failing,
    "repr": lambda: repr(EVENTS),
    "mask": lambda: EVENTS[EVENTS.p == 1],
    "slice of time": lambda: EVENTS["+1ms":"+50ms"],
    "structured array": lambda: px.Events.from_numpy(EVENTS.to_numpy()),
    "polars": lambda: px.Events.from_polars(EVENTS.to_polars()),
    "pandas": lambda: EVENTS.to_pandas(),
    "pickle": lambda: pickle.loads(pickle.dumps(EVENTS)),
    "copy": lambda: copy.deepcopy(EVENTS),
    "sorted": lambda: EVENTS.sorted(),
    "joined": lambda: px.concat([EVENTS, EVENTS[:0]]),
    "composed": lambda: px.Compose(["polarity keep=on", "frame"])(EVENTS),
    "applied": lambda: px.apply("region w=8 h=8 ! polarity keep=off", EVENTS),
    "windows of tensors": lambda: EVENTS.frame(window="50ms"),
}
"""What is done ten thousand times."""

SLOW = {
    "picture": lambda: EVENTS[:20]._repr_html_(),
    "pyarrow": lambda: px.Events.from_arrow(EVENTS.to_arrow()),
    "reader": reading,
    "asynchronous reader": lambda: asyncio.run(windows()),
    "info": lambda: px.info(CSV),
    "scan": lambda: px.scan(CSV).filter(polars.col("p") == 1).collect(),
    "pipeline": lambda: px.launch("fakesrc num_buffers=5 ! fakesink"),
}
"""What opens, starts or runs something: a thousand times, and a leak of a kilobyte in each shows."""


def grown(work, calls):
    """By how many bytes the process grows in so many calls: the least of three times, since a leak shows each time."""
    for _ in range(calls // 10):
        work()
    least = None
    for _ in range(3):
        gc.collect()
        before = resident()
        for _ in range(calls):
            work()
        gc.collect()
        more = resident() - before
        least = more if least is None else min(least, more)
        if least < 100_000:
            break
    return least


@pytest.mark.parametrize("what", WORK)
def test_no_leak(what):
    # A leak of a column (1 kB at least) or of a batch in each call would be 10 MB and more; a leak of any object, 0.5 MB.
    assert grown(WORK[what], CALLS) < 400_000


@pytest.mark.parametrize("what", SLOW)
def test_no_leak_of_what_runs(what):
    assert grown(SLOW[what], CALLS // 10) < 500_000


def test_reading_leaks_nothing():
    for _ in range(100):
        px.read(CSV)
    before = resident()
    for _ in range(1_000):
        px.read(CSV)
    assert resident() - before < 4_000_000
