"""The operations of the bench by Polars, evlib and Tonic: `python peers.py FOLDER`.

In: the columns t, x, y, p as raw little-endian numbers. Out: a line a case, `case ms kept digest compares`; ms is the
best of up to five runs within 20 seconds, and the first run is among them only if it took longer than that.
"""

import sys
import time
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
t = np.fromfile(folder / "t", "<i8")
x = np.fromfile(folder / "x", "<u2")
y = np.fromfile(folder / "y", "<u2")
p = np.fromfile(folder / "p", "u1")
WIDTH, HEIGHT = 1280, 720


def digest(t, x, y, p):
    with np.errstate(over="ignore"):
        pixel = (y.astype("u8") << np.uint64(17)) | (x.astype("u8") << np.uint64(1)) | p.astype("u8")
        word = t.astype("i8").view("u8") * np.uint64(0x9E3779B97F4A7C15) ^ pixel * np.uint64(0xC2B2AE3D27D4EB4F)
        return int((word ^ (word >> np.uint64(29))).sum(dtype="u8"))


def case(name, work, columns, compares=True):
    runs = []
    while len(runs) < 6 and sum(runs) < 20:
        start = time.perf_counter()
        out = work()
        runs.append(time.perf_counter() - start)
    best = min(runs[1:] or runs) * 1e3
    kept = columns(out)
    print(name, f"{best:.3f}", len(kept[0]), digest(*kept), "yes" if compares else "no", flush=True)


import polars as pl

frame = pl.DataFrame({"t": t, "x": x, "y": y, "p": p})
polars_columns = lambda out: [out[name].to_numpy() for name in "txyp"]
quarter = int(t[-1] - t[0]) // 4
inside = (pl.col("x") >= 320) & (pl.col("x") < 960) & (pl.col("y") >= 180) & (pl.col("y") < 540)
start, end = int(t[0]) + quarter, int(t[0]) + 3 * quarter
during = (pl.col("t") >= start) & (pl.col("t") < end)
case("polars:time", lambda: frame.lazy().filter(during).collect(), polars_columns)
case("polars:region", lambda: frame.lazy().filter(inside).collect(), polars_columns)
case("polars:polarity", lambda: frame.lazy().filter(pl.col("p") == 1).collect(), polars_columns)

import evlib.filtering

signed = pl.DataFrame(
    {"x": x.astype("i2"), "y": y.astype("i2"), "t": t, "polarity": p.astype("i1") * 2 - 1}
).with_columns(pl.col("t").cast(pl.Duration("us")))
evlib_columns = lambda out: [
    out["t"].cast(pl.Int64).to_numpy(),
    out["x"].to_numpy(),
    out["y"].to_numpy(),
    (out["polarity"].to_numpy() > 0).astype("u1"),
]
hot = lambda: evlib.filtering.filter_hot_pixels(signed.lazy(), threshold_percentile=99.9).collect()
dead = lambda: evlib.filtering.filter_noise(signed.lazy(), method="refractory", refractory_period_us=1000).collect()
case("evlib:hot_pixels", hot, evlib_columns)
case("evlib:refractory", dead, evlib_columns)
del frame, signed

import tonic.transforms as T

events = np.empty(len(t), np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")]))
events["x"], events["y"], events["t"], events["p"] = x, y, t, p
sensor = (WIDTH, HEIGHT, 2)
tonic_columns = lambda out: [out[name] for name in "txyp"]
for name, transform, compares in [
    ("drop_event", T.DropEvent(p=0.2), False),
    ("spatial_jitter", T.SpatialJitter(sensor_size=sensor, var_x=1, var_y=1, clip_outliers=True), False),
    ("refractory", T.RefractoryPeriod(delta=1000), True),
    ("background_activity", T.Denoise(filter_time=10_000), True),
    ("decimate", T.Decimation(n=10), True),
]:
    # Tonic changes what it is given.
    copied = events.copy()
    case("tonic:" + name, lambda: transform(copied), tonic_columns, compares)
