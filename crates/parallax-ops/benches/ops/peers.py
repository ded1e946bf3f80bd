"""The operations of the bench by Polars, evlib and Tonic: `peers.py FOLDER CASE..`.

In: the columns t, x, y, p as raw little-endian numbers in FOLDER/full (1280 x 720) and FOLDER/folded (640 x 480). Out: a
file for each case in FOLDER/answers: `ms runs events`, then `events KEPT DIGEST`, or `tensors` and two sums for each tensor
or part of one. ms is the best of up to five runs within 15 seconds after one that warms up; a case that takes longer runs
once. A library that works on one thread is counted by the time it had the processor, if that is less than what the clock
says: other programs do not count against it.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

FOLDER = Path(sys.argv[1])
FULL, FOLDED = (1280, 720, 2), (640, 480, 2)
MILLION = 1_000_000


def columns(sensor):
    folder = FOLDER / ("full" if sensor == FULL else "folded")
    kinds = {"t": "<i8", "x": "<u2", "y": "<u2", "p": "u1"}
    return {name: np.fromfile(folder / name, kind) for name, kind in kinds.items()}


def digest(t, x, y, p):
    with np.errstate(over="ignore"):
        pixel = (y.astype("u8") << np.uint64(17)) | (x.astype("u8") << np.uint64(1)) | p.astype("u8")
        word = t.astype("i8").view("u8") * np.uint64(0x9E3779B97F4A7C15) ^ pixel * np.uint64(0xC2B2AE3D27D4EB4F)
        return int((word ^ (word >> np.uint64(29))).sum(dtype="u8"))


def measure(case, prepare, facts, events):
    runs, out = [], None
    while len(runs) < 6 and sum(runs) < 15:
        work = prepare()
        out = None  # Freed before the next one is made.
        wall, processor = time.perf_counter(), time.process_time()
        out = work()
        runs.append(min(time.perf_counter() - wall, time.process_time() - processor))
    best = min(runs[1:] or runs) * 1e3
    lines = [f"{best:.3f} {len(runs[1:] or runs)} {events}", *facts(out)]
    (FOLDER / "answers" / case.replace(":", "-")).write_text("\n".join(lines) + "\n")
    print(f"{case}: {best:.1f} ms", flush=True)


def of_events(fields):
    def facts(out):
        kept = fields(out)
        yield f"events {len(kept[0])} {digest(*kept)}"

    return facts


def of_tensors(out):
    """Two sums for each part along the first axis."""
    yield "tensors"
    places = np.arange(1, out[0].size + 1, dtype="f8")
    for part in out:
        cells = part.astype("f8").ravel()
        yield f"{float(cells.sum())!r} {float(cells @ places)!r}"


def polars(case):
    import polars as pl

    c = columns(FULL)
    frame = pl.DataFrame(c).lazy()
    first, last = int(c["t"][0]), int(c["t"][-1])
    quarter = (last - first) // 4
    x, y, t = pl.col("x"), pl.col("y"), pl.col("t")
    query = {
        "time": (t >= first + quarter) & (t < first + 3 * quarter),
        "region": (x >= 320) & (x < 960) & (y >= 180) & (y < 540),
        "polarity": pl.col("p") == 1,
    }[case]
    fields = lambda out: [out[name].to_numpy() for name in "txyp"]
    measure("polars:" + case, lambda: frame.filter(query).collect, of_events(fields), len(c["t"]))


def evlib(case):
    import evlib.filtering as filtering
    import polars as pl

    c = columns(FULL)
    frame = pl.DataFrame(
        {"x": c["x"].astype("i2"), "y": c["y"].astype("i2"), "t": c["t"], "polarity": c["p"].astype("i1") * 2 - 1}
    )
    frame = frame.with_columns(pl.col("t").cast(pl.Duration("us"))).lazy()
    work = {
        "hot_pixels": lambda: filtering.filter_hot_pixels(frame, threshold_percentile=99.9).collect(),
        "refractory": lambda: filtering.filter_noise(
            frame, method="refractory", refractory_period_us=1000
        ).collect(),
    }[case]
    fields = lambda out: [
        out["t"].cast(pl.Int64).to_numpy(),
        out["x"].to_numpy(),
        out["y"].to_numpy(),
        (out["polarity"].to_numpy() > 0).astype("u1"),
    ]
    measure("evlib:" + case, lambda: work, of_events(fields), len(c["t"]))


def tonic(case):
    import tonic.transforms as T

    # The sensor, the most events, and the transform. Loops in Python cost the same for each event, however many there are.
    # The tensor of the frames of 10 ms takes 10 GB for 10 M events, the surfaces 8 GB: who has no such memory gives fewer.
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    large = None if pages > 12e9 else MILLION
    sensor, most, transform = {
        "refractory": (FULL, MILLION, lambda: T.RefractoryPeriod(delta=1000)),
        "background_activity": (FULL, MILLION, lambda: T.Denoise(filter_time=10_000)),
        "decimate": (FULL, MILLION, lambda: T.Decimation(n=10)),
        "spatial_jitter": (FULL, None, lambda: T.SpatialJitter(sensor_size=FULL, var_x=1, var_y=1, clip_outliers=True)),
        "time_jitter": (FULL, None, lambda: T.TimeJitter(std=10, clip_negative=False)),
        "drop_event": (FULL, None, lambda: T.DropEvent(p=0.2)),
        "flip": (FULL, None, lambda: T.RandomFlipLR(sensor_size=FULL, p=1)),
        "crop": (FULL, None, lambda: T.CenterCrop(sensor_size=FULL, size=(640, 360))),
        "voxel": (FOLDED, None, lambda: T.ToVoxelGrid(sensor_size=FOLDED, n_time_bins=10)),
        "frames": (FOLDED, None, lambda: T.ToFrame(sensor_size=FOLDED, n_time_bins=20)),
        "frames_10ms_16": (FOLDED, large, lambda: T.ToFrame(sensor_size=FOLDED, time_window=10_000)),
        "frames_10ms_all": (FOLDED, large, lambda: T.ToFrame(sensor_size=FOLDED, time_window=10_000)),
        "time_surface": (FOLDED, large, lambda: T.ToTimesurface(sensor_size=FOLDED, dt=100_000, tau=5000)),
        "averaged_time_surface": (
            FOLDED,
            MILLION,
            lambda: T.ToAveragedTimesurface(
                sensor_size=FOLDED, cell_size=10, surface_size=7, time_window=1_000_000, tau=5e3
            ),
        ),
    }[case]
    c = columns(sensor)
    count = min(len(c["t"]), most or len(c["t"]))
    # With booleans ToVoxelGrid takes every OFF for an ON.
    polarity = "i1" if case == "voxel" else "?"
    events = np.empty(count, np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", polarity)]))
    for name, column in c.items():
        events[name] = column[:count]
    del c
    # Tonic's memory of pixels begins as if each had fired once: `RefractoryPeriod` drops a first event at 0, `Denoise` lets
    # everything pass before `filter_time`. Later times are not touched by that, so that the rule itself is compared.
    later = {"refractory": 1, "background_activity": 10_000}.get(case, 0)
    events["t"] += later
    # What our call-back does with each frame.
    read = {
        "frames_10ms_16": lambda frame: frame.reshape(-1)[:: frame.size // 16].sum(),
        "frames_10ms_all": lambda frame: frame.sum(),
    }.get(case)

    def prepare():
        # Tonic changes what it is given.
        copied, made = events.copy(), transform()

        def work():
            out = made(copied)
            if read:
                for frame in out:
                    read(frame)
            return out

        return work

    fields = lambda out: [out["t"] - later, out["x"], out["y"], out["p"]]
    facts = of_tensors if sensor == FOLDED else of_events(fields)
    measure("tonic:" + case, prepare, facts, count)


failed = False
for case in sys.argv[2:]:
    library, name = case.split(":")
    try:
        {"polars": polars, "evlib": evlib, "tonic": tonic}[library](name)
    except Exception as error:
        print(f"{case} failed: {error!r}", flush=True)
        failed = True
sys.exit(failed)
