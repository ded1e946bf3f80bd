"""Makes the golden traces in golden/: small inputs, and what a formula or another library says comes out.

    python xtask/python/golden.py golden

Every answer is computed here, from the operator's published definition, event by event and without NumPy's shortcuts, or
by Tonic where its transform means the same; the header names which. Nothing of the project is imported, so a trace that
`parallax golden verify` replays is never the project's own answer.
"""

import hashlib
import json
import random
import struct
import sys
from collections import defaultdict
from pathlib import Path

WIDTH, HEIGHT = 12, 9
FORMULA = "the formula, event by event, in Python"


def scene(seed, count=400, step=400, hot=None):
    """Events in order of time, some at the same time, some pixels far busier than others."""
    rng = random.Random(seed)
    t, events = 1_000, []
    for _ in range(count):
        t += rng.choice([0, 0, 1, rng.randrange(step)])
        x, y = min(int(rng.expovariate(0.25)), WIDTH - 1), rng.randrange(HEIGHT)
        if hot and rng.random() < 0.3:
            x, y = hot
        events.append((t, x, y, rng.randrange(2)))
    return events


def digest(events):
    return hashlib.sha256(b"".join(struct.pack("<4q", *event) for event in events)).hexdigest()


def write(folder, name, chain, events, *, out=None, tensors=None, maker=FORMULA, **more):
    header = {
        "version": 1,
        "chain": chain,
        "maker": maker,
        "unit": "us",
        "width": WIDTH,
        "height": HEIGHT,
        "inputs_sha256": digest(events),
        **more,
    }
    lines = [{"golden": header}] + [{"in": event} for event in events]
    lines += [{"out": event} for event in out or []] + [{"tensor": tensor} for tensor in tensors or []]
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    (folder / f"{name}.jsonl").write_text(text)


def refractory(events, period, since):
    last, out = {}, []
    for event in events:
        t, x, y, _ = event
        kept = (x, y) not in last or t - last[x, y] > period
        if kept:
            out.append(event)
        if kept or since == "seen":
            last[x, y] = t
    return out


def decimate(events, n, per_pixel):
    seen, out = defaultdict(int), []
    for event in events:
        key = event[1:3] if per_pixel else None
        seen[key] += 1
        if seen[key] % n == 0:
            out.append(event)
    return out


def quantise(events, step):
    """To the nearest multiple; the later one from the middle on."""
    return [((t + step // 2) // step * step, x, y, p) for t, x, y, p in events]


def counts(events, planes=2):
    cells = [[[0] * WIDTH for _ in range(HEIGHT)] for _ in range(planes)]
    for _, x, y, p in events:
        cells[p if planes == 2 else 0][y][x] += 1
    return [value for plane in cells for row in plane for value in row]


def formulas(folder):
    events = scene(1)
    t0 = events[0][0]
    write(folder, "polarity", "polarity keep=off", events, out=[e for e in events if e[3] == 0])
    inside = [e for e in events if 2 <= e[1] < 7 and 1 <= e[2] < 5]
    write(folder, "region", "region x=2 y=1 w=5 h=4", events, out=inside)
    outside = [e for e in events if e not in set(inside)]
    write(folder, "region_outside", "region x=2 y=1 w=5 h=4 keep=outside", events, out=outside)
    some = [e for e in events if t0 + 5_000 <= e[0] < t0 + 20_000]
    write(folder, "time", "time range=+5ms..+20ms", events, out=some)
    for since in ("kept", "seen"):
        out = refractory(events, 3_000, since)
        write(folder, f"refractory_{since}", f"refractory period=3ms since={since}", events, out=out)
    write(folder, "decimate_stream", "decimate n=7 per=stream", events, out=decimate(events, 7, False))
    write(folder, "flip_x", "flip_x", events, out=[(t, WIDTH - 1 - x, y, p) for t, x, y, p in events])
    write(folder, "flip_y", "flip_y", events, out=[(t, x, HEIGHT - 1 - y, p) for t, x, y, p in events])
    write(folder, "flip_polarity", "flip_polarity", events, out=[(t, x, y, 1 - p) for t, x, y, p in events])
    tensor = {"dtype": "i32", "shape": [2, HEIGHT, WIDTH], "values": counts(events)}
    write(folder, "frame", "frame", events, tensors=[tensor])
    chained = refractory([e for e in inside if e[3] == 1], 1_000, "kept")
    chain = "region x=2 y=1 w=5 h=4 ! polarity keep=on ! refractory period=1ms"
    write(folder, "chain", chain, events, out=chained)
    stepped = quantise(events, 500)
    write(
        folder,
        "fixed_step",
        "refractory period=2ms",
        events,
        out=refractory(stepped, 2_000, "kept"),
        mode="fixed_step:500us",
        epsilon_time=0,
    )


def by_tonic(folder):
    try:
        import numpy as np
        import tonic
        from tonic import transforms
    except ImportError:
        print("tonic is not installed: its traces stay as they are")
        return
    maker = f"tonic {tonic.__version__}"
    # Polarities are numbers: among booleans Tonic's ToVoxelGrid takes OFF, which it turns into -1, for true.
    dtype = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i2")])
    size = (WIDTH, HEIGHT, 2)

    def run(transform, events):
        given = np.array([(x, y, t, p) for t, x, y, p in events], dtype=dtype)
        return transform(given)

    def listed(array):
        return [(int(e["t"]), int(e["x"]), int(e["y"]), int(e["p"])) for e in array]

    events = scene(2)
    answer = listed(run(transforms.Decimation(n=3), events))
    write(folder, "decimate", "decimate n=3", events, out=answer, maker=f"{maker} Decimation")
    answer = listed(run(transforms.RefractoryPeriod(delta=2_000), events))
    chain = "refractory period=2ms since=seen"
    write(folder, "refractory_tonic", chain, events, out=answer, maker=f"{maker} RefractoryPeriod")
    noisy = scene(3, count=1_500, hot=(4, 4))
    answer = listed(run(transforms.DropPixel(hot_pixel_frequency=3_000), noisy))
    chain = "hot_pixels by=rate rate=3kHz"
    write(folder, "hot_pixels", chain, noisy, out=answer, maker=f"{maker} DropPixel")
    frame = run(transforms.ToImage(sensor_size=size), events)
    tensor = {"dtype": "i32", "shape": list(frame.shape), "values": [int(v) for v in frame.ravel()]}
    write(folder, "frame_tonic", "frame", events, tensors=[tensor], maker=f"{maker} ToImage")

    frames = run(transforms.ToFrame(sensor_size=size, n_time_bins=4), events)
    tensor = {"dtype": "i16", "shape": list(frames.shape), "values": [int(v) for v in frames.ravel()]}
    chain = "frame bins=4 edges=floor dtype=i16"
    write(folder, "frame_bins", chain, events, tensors=[tensor], maker=f"{maker} ToFrame")
    grid = run(transforms.ToVoxelGrid(sensor_size=size, n_time_bins=4), events)
    tensor = {"dtype": "f64", "shape": list(grid.shape), "values": [float(v) for v in grid.ravel()]}
    chain = "voxel bins=4 grid=tonic dtype=f64"
    # Tonic scales time in floating point in another order than the formula in our documentation: not the last bit.
    more = {"maker": f"{maker} ToVoxelGrid", "epsilon_numeric": 1e-12}
    write(folder, "voxel_tonic", chain, events, tensors=[tensor], **more)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(exist_ok=True)
    formulas(target)
    by_tonic(target)
