"""evlib's functions and ours on the same events: loading, filters, a voxel grid, scans. Each load is a process of its own.

A function is measured twice: from the file, as a script does that loads, filters and goes on, and on a table that is there.

The machine's memory is warmed before each process, for either library by as much as it is going to take: a host takes back what lies
free, and gives it again ten times as slowly as memory is cleared.

Usage: beside_evlib.py RECORDING [EVENTS]. Run by `cargo xtask bench evlib [EVENTS]`.

The recording is repeated until there are so many events (10 million if nothing is said), as EVT3, EVT2, DAT and Parquet. Rows are
medians of five of ours and of three of evlib's, in turn. Answers are compared by `tests/beside_evlib.py`; here by their counts.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import parallax as px

OURS, THEIRS = 5, 3

# Bytes an event that a process takes at its highest, by library: a table and what a function makes of it.
TAKES = {"parallax.evlib": 30, "evlib": 150}

WARM = """
import mmap, sys
room = mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
room.madvise(mmap.MADV_HUGEPAGE)
for page in range(0, len(room), mmap.PAGESIZE):
    room[page] = 1
"""

LOAD = """
import re, sys, time
# evlib imports it when it is imported, we when a table is asked for.
import polars
import {module} as lib
path = sys.argv[1]
start = time.perf_counter()
frame = lib.load_events(path).collect()
seconds = time.perf_counter() - start
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)
print(frame.height, seconds, int(peak) * 1024)
"""

CALLS = """
def calls(lib, rows, start, stop, width, height):
    filters = lib.filtering
    # evlib's representations take a table that is there.
    table = lambda: rows if isinstance(rows, polars.DataFrame) else rows.collect()
    return dict(
        filter_by_time=lambda: filters.filter_by_time(rows, start / 1e6, stop / 1e6).collect(),
        filter_by_roi=lambda: filters.filter_by_roi(rows, 10, width - 20, 10, height - 20).collect(),
        filter_by_polarity=lambda: filters.filter_by_polarity(rows, 1).collect(),
        filter_hot_pixels=lambda: filters.filter_hot_pixels(rows).collect(),
        filter_noise=lambda: filters.filter_noise(rows).collect(),
        create_voxel_grid=lambda: lib.create_voxel_grid(table(), height, width, 5),
    )
"""

WORK = """
import sys, time
import polars
import {module} as lib
frame = lib.load_events(sys.argv[1]).collect()
runs = int(sys.argv[2])
for name, call in calls(lib, frame, *map(int, sys.argv[3:])).items():
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        made = call()
        times.append(time.perf_counter() - began)
    print(name, made.height, *times[1:])
"""

FROM_FILE = """
import sys, time
import polars
import {module} as lib
began = time.perf_counter()
rows = lib.load_events(sys.argv[1])
made = calls(lib, rows, *map(int, sys.argv[3:]))[sys.argv[2]]()
print(made.height, time.perf_counter() - began)
"""

SCAN = """
import sys, time
import polars as pl
import parallax as px
path, low, high, runs = sys.argv[1], *map(int, sys.argv[2:])
part = px.scan(path).filter(pl.col("t") >= pl.duration(microseconds=low), pl.col("t") < pl.duration(microseconds=high))
for name, query in (("whole", px.scan(path)), ("part", part)):
    for _ in range(runs):
        start = time.perf_counter()
        rows = query.collect().height
        print(name, rows, time.perf_counter() - start)
"""


def warm_child(events, code, module, *arguments):
    """Runs `child` in memory that the machine has had a moment ago."""
    child(WARM, None, TAKES[module] * events)
    return child(code, module, *arguments)


def child(code, module, *arguments):
    command = [sys.executable, "-c", code.format(module=module) if module else code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def grown(path, folder, events):
    """The recording again and again, in several formats."""
    once = px.read(path, order="strict")
    count = -(-events // len(once))
    span = int(once.t[-1]) - int(once.t[0]) + 1
    t = np.concatenate([once.t + index * span for index in range(count)])
    large = px.Events.from_numpy(t, *(np.tile(getattr(once, name), count) for name in "xyp"), meta=once.meta)
    for format, extension in (("evt3", "evt3.raw"), ("evt2", "evt2.raw"), ("dat", "dat"), ("parquet", "parquet")):
        target = folder / f"large.{extension}"
        large.write(target, format=format)
        yield target
    first, last = int(large.t[0]), int(large.t[-1])
    middle = (first + last) // 2
    yield middle, middle + (last - first) // 100
    # Half the time, and the part of the sensor that is used.
    yield (3 * first + last) // 4, (first + 3 * last) // 4, int(large.x.max()) + 1, int(large.y.max()) + 1


def shown(times, scale=1e3):
    return f"{statistics.median(times) * scale:.4g} [{min(times) * scale:.4g}, {max(times) * scale:.4g}]"


def loads(path, count):
    """Loading as `load_events` does it; and memory."""
    found = {"parallax.evlib": [], "evlib": []}
    for run in range(OURS):
        for module in found:
            if module == "evlib" and run >= THEIRS:
                continue
            events, seconds, peak = warm_child(count, LOAD, module, path).split()
            found[module].append((int(events), float(seconds), int(peak)))
    ours, theirs = ([seconds for _, seconds, _ in found[module]] for module in found)
    assert {events for runs in found.values() for events, *_ in runs} == {found["evlib"][0][0]}
    events, _, peak = found["parallax.evlib"][0]
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"| load {path.name}, {events / 1e6:.1f} M | {shown(ours)} ms | {shown(theirs)} ms | {ratio:.1f} |")
    allowed = 13.5 * events + (100 << 20)
    print(f"| its peak memory, at most {allowed / 1e6:.0f} MB | {peak / 1e6:.0f} MB | {found['evlib'][0][2] / 1e6:.0f} MB | |")


def work(path, count, facts):
    """Functions on a table that is there."""
    ours, theirs = (
        {line.split()[0]: line.split()[1:] for line in warm_child(count, CALLS + WORK, module, path, runs, *facts).splitlines()}
        for module, runs in (("parallax.evlib", OURS), ("evlib", THEIRS))
    )
    for name, (rows, *times) in ours.items():
        other_rows, *other = theirs[name]
        beside(f"{name}, a table", (rows, times), (other_rows, other))
    return list(ours)


def from_file(path, count, facts, names):
    """The same from a file, each in a process of its own, in turn."""
    for name in names:
        found = {"parallax.evlib": [], "evlib": []}
        for run in range(OURS):
            for module in found:
                if module == "parallax.evlib" or run < THEIRS:
                    found[module].append(warm_child(count, CALLS + FROM_FILE, module, path, name, *facts).split())
        ours, theirs = ((runs[0][0], [seconds for _, seconds in runs]) for runs in found.values())
        beside(f"{name}, from the file", ours, theirs)


def beside(name, ours, theirs):
    (rows, times), (other_rows, other) = ours, theirs
    # A voxel grid of ours leaves out cells that add up to nothing.
    assert "create_voxel_grid" in name or rows == other_rows, f"{name}: {rows} rows and {other_rows}"
    times, other = [float(t) for t in times], [float(t) for t in other]
    ratio = statistics.median(other) / statistics.median(times)
    print(f"| {name} | {shown(times)} ms | {shown(other)} ms | {ratio:.1f} |", flush=True)


def scans(path, low, high):
    lines = [line.split() for line in child(SCAN, None, path, low, high, OURS).splitlines()]
    whole, part = ([float(seconds) for name, _, seconds in lines if name == wanted] for wanted in ("whole", "part"))
    share = 100 * statistics.median(part) / statistics.median(whole)
    print(f"| scan {path.name}, 1 % of the time | {shown(part)} ms | the whole {shown(whole)} ms | {share:.1f} % |")


def main():
    recording = Path(sys.argv[1])
    events = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    print("| what | ours | evlib | times |\n| --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        *files, (low, high), facts = grown(recording, Path(folder), events)
        loads(files[0], events)
        names = work(files[0], events, facts)
        from_file(files[0], events, facts, names)
        for path in files:
            scans(path, low, high)


main()
