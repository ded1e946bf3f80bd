"""Ten thousand calls leave no memory behind."""

import gc
import resource

import numpy as np
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
}


@pytest.mark.parametrize("what", WORK)
def test_no_leak(what):
    work = WORK[what]
    for _ in range(CALLS // 10):
        work()
    gc.collect()
    before = resident()
    for _ in range(CALLS):
        work()
    gc.collect()
    # A leak of a column (1 kB at least) or of a batch in each call would be 10 MB and more; a leak of any object, 0.5 MB.
    assert resident() - before < 400_000, f"{resident() - before} bytes in {CALLS} calls"


def test_reading_leaks_nothing():
    for _ in range(100):
        px.read(CSV)
    before = resident()
    for _ in range(1_000):
        px.read(CSV)
    assert resident() - before < 4_000_000
