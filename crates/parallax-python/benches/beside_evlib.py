"""evlib's functions and ours on the same events: loading, filters, a voxel grid, scans. Each load is a process of its own.

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

WORK = """
import sys, time
import polars as pl
import {module} as lib
frame = lib.load_events(sys.argv[1]).collect()
runs = int(sys.argv[2])
width, height = int(frame["x"].max()) + 1, int(frame["y"].max()) + 1
t = frame["t"].dt.total_microseconds()
start, stop = (t[0] + (t[-1] - t[0]) * part / 4 for part in (1, 3))
work = dict(
    filter_by_time=lambda: lib.filtering.filter_by_time(frame, start / 1e6, stop / 1e6).collect(),
    filter_by_roi=lambda: lib.filtering.filter_by_roi(frame, 10, width - 20, 10, height - 20).collect(),
    filter_by_polarity=lambda: lib.filtering.filter_by_polarity(frame, 1).collect(),
    filter_hot_pixels=lambda: lib.filtering.filter_hot_pixels(frame).collect(),
    filter_noise=lambda: lib.filtering.filter_noise(frame).collect(),
    create_voxel_grid=lambda: lib.create_voxel_grid(frame, height, width, 5),
)
for name, call in work.items():
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        made = call()
        times.append(time.perf_counter() - began)
    print(name, made.height, *times[1:])
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


def shown(times, scale=1e3):
    return f"{statistics.median(times) * scale:.4g} [{min(times) * scale:.4g}, {max(times) * scale:.4g}]"


def loads(path):
    """Loading as `load_events` does it; and memory."""
    found = {"parallax.evlib": [], "evlib": []}
    for run in range(OURS):
        for module in found:
            if module == "evlib" and run >= THEIRS:
                continue
            events, seconds, peak = child(LOAD, module, path).split()
            found[module].append((int(events), float(seconds), int(peak)))
    ours, theirs = ([seconds for _, seconds, _ in found[module]] for module in found)
    assert {events for runs in found.values() for events, *_ in runs} == {found["evlib"][0][0]}
    events, _, peak = found["parallax.evlib"][0]
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"| load {path.name}, {events / 1e6:.1f} M | {shown(ours)} ms | {shown(theirs)} ms | {ratio:.1f} |")
    allowed = 13.5 * events + (100 << 20)
    print(f"| its peak memory, at most {allowed / 1e6:.0f} MB | {peak / 1e6:.0f} MB | {found['evlib'][0][2] / 1e6:.0f} MB | |")


def work(path):
    ours, theirs = (
        {line.split()[0]: line.split()[1:] for line in child(WORK, module, path, runs).splitlines()}
        for module, runs in (("parallax.evlib", OURS), ("evlib", THEIRS))
    )
    for name, (rows, *times) in ours.items():
        other_rows, *other = theirs[name]
        # A voxel grid of ours leaves out cells that add up to nothing.
        assert name == "create_voxel_grid" or rows == other_rows, f"{name}: {rows} rows and {other_rows}"
        times, other = [float(t) for t in times], [float(t) for t in other]
        print(f"| {name} | {shown(times)} ms | {shown(other)} ms | {statistics.median(other) / statistics.median(times):.1f} |")


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
        *files, (low, high) = grown(recording, Path(folder), events)
        loads(files[0])
        work(files[0])
        for path in files:
            scans(path, low, high)


main()
