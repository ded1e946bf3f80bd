"""evlib's functions and ours on the same recordings, where they mean the same. A program: evlib has an environment of its own.

Usage: beside_evlib.py RECORDINGS
"""

import sys
from pathlib import Path

import evlib
import numpy as np
import polars as pl

import parallax.evlib as ours

# What both read. EVT2 and EVT3 of Prophesee, and text.
NAMES = ("faery/evt3.raw", "faery/evt2.raw", "rpg/slider_depth_events.txt")
COLUMNS = ["t", "x", "y", "polarity"]
checks = 0


def ordered(frame):
    """Rows as a set: evlib leaves the order of events of one time open."""
    return frame.select(COLUMNS).sort(COLUMNS)


def same(what, mine, theirs):
    global checks
    if isinstance(mine, pl.DataFrame):
        assert mine.schema == theirs.schema, f"{what}: {mine.schema} and {theirs.schema}"
        assert mine.equals(theirs), f"{what}: the tables differ: {mine} and {theirs}"
    else:
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-9, err_msg=what)
    checks += 1
    print(f"  {what}: the same", flush=True)


def cells(frame, names, value):
    """A long table as a dictionary, without what is nothing."""
    rows = frame.select([*names, value]).filter(pl.col(value) != 0).sort(names)
    return rows.with_columns(pl.col(names).cast(pl.Int64), pl.col(value).cast(pl.Float64))


def main(folder):
    for name in NAMES:
        path = str(Path(folder, name))
        print(name)
        theirs, mine = evlib.load_events(path).collect(), ours.load_events(path).collect()
        assert dict(mine.schema) == dict(theirs.schema), f"{mine.schema} and {theirs.schema}"
        is_text = path.endswith(".txt")
        if is_text:
            # evlib cuts digits off the product of a time in seconds and a million: some events come 1 us early.
            early = (mine["t"] - theirs["t"]).dt.total_microseconds()
            assert early.is_in([0, 1]).all() and early.sum() > 0
            theirs = mine
        same("load_events", ordered(mine), ordered(theirs))
        assert mine["t"].is_sorted()
        first, last = (mine["t"].dt.total_microseconds()[at] / 1e6 for at in (0, -1))
        start, stop = first + (last - first) * 0.25, first + (last - first) * 0.5
        limits = dict(t_start=round(start, 3), t_end=round(stop, 3), min_x=10, max_x=100, min_y=5, max_y=90, polarity=1)
        if not is_text:
            same(
                "load_events with limits",
                ordered(ours.load_events(path, **limits).collect()),
                ordered(evlib.load_events(path, **limits).collect()),
            )
        assert ours.detect_format(path)[0] == evlib.detect_format(path)[0]

        some = theirs.head(200_000)
        width, height = int(some["x"].max()) + 1, int(some["y"].max()) + 1
        for what, work in {
            "filter_by_time": lambda lib, rows: lib.filtering.filter_by_time(rows, round(start, 3), round(stop, 3)),
            "filter_by_roi": lambda lib, rows: lib.filtering.filter_by_roi(rows, 20, 90, 10, 80),
            "filter_by_polarity": lambda lib, rows: lib.filtering.filter_by_polarity(rows, 1),
            "filter_multiple_rois": lambda lib, rows: lib.filtering.filter_multiple_rois(
                rows, [(0, 50, 0, 50), (30, 80, 40, 90)]
            ),
            "filter_hot_pixels": lambda lib, rows: lib.filtering.filter_hot_pixels(rows, 99.0),
            "filter_noise": lambda lib, rows: lib.filtering.filter_noise(rows, refractory_period_us=3_000.0),
            "preprocess_events": lambda lib, rows: lib.filtering.preprocess_events(
                rows, roi=(5, 90, 5, 90), polarity=1, hot_pixel_threshold=99.0
            ),
        }.items():
            same(what, ordered(work(ours, some).collect()), ordered(work(evlib, some).collect()))

        lib = evlib.representations
        mine = ours.representations
        same(
            "create_stacked_histogram",
            cells(mine.create_stacked_histogram(some, height, width), ["time_bin", "polarity", "y", "x"], "count"),
            cells(lib.create_stacked_histogram(some, height, width), ["time_bin", "polarity", "y", "x"], "count"),
        )
        for bins in (1, 5, 8):
            same(
                f"create_voxel_grid, {bins} bins",
                mine.densify_voxel_grid(mine.create_voxel_grid(some, height, width, bins), bins, height, width),
                lib.densify_voxel_grid(lib.create_voxel_grid(some, height, width, bins), bins, height, width),
            )
            same(
                f"create_event_frame, {bins} bins",
                mine.densify_event_frame(mine.create_event_frame(some, height, width, bins), bins, 2, height, width),
                lib.densify_event_frame(lib.create_event_frame(some, height, width, bins), bins, 2, height, width),
            )
        left, top = (max(int(some[axis].median()) - 30, 0) for axis in "xy")
        small = some.filter(pl.col("x").is_between(left, left + 59), pl.col("y").is_between(top, top + 59)).head(20_000)
        small = small.with_columns(pl.col("x") - left, pl.col("y") - top)
        t = small["t"].dt.total_microseconds()
        dt = float((t[-1] - t[0]) // 4)
        slices = max(int((t[-1] - t[0] - dt) // dt) + 1, 1)
        made = [module.create_time_surface(small, 60, 60, dt, 1e5) for module in (mine, lib)]
        same("create_time_surface", cells(made[0], ["slice", "polarity", "y", "x"], "last_t"), cells(made[1], ["slice", "polarity", "y", "x"], "last_t"))
        dense = [
            module.densify_time_surface(frame, slices, 2, 60, 60, dt, 1e5, float(t[0]))
            for module, frame in zip((mine, lib), made)
        ]
        same("densify_time_surface", *dense)
        same(
            "event_histogram",
            cells(mine.event_histogram(small, 60, 60), ["x", "y", "polarity"], "t_us_sum"),
            cells(lib.event_histogram(small, 60, 60), ["x", "y", "polarity"], "t_us_sum"),
        )
    print(f"{checks} comparisons: all is well")


main(sys.argv[1])
