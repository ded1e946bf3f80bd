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

    def surfaces(name, chain, transforms_in_turn, dtype, epsilon):
        tensors = events
        for index, transform in enumerate(transforms_in_turn):
            tensors = run(transform, tensors) if index == 0 else transform(tensors)
        more = {"maker": f"{maker} {type(transforms_in_turn[-1]).__name__}", "epsilon_numeric": epsilon}
        listed = [
            {"dtype": dtype, "shape": list(one.shape), "values": [float(v) for v in one.ravel()]}
            for one in (tensors if "window" in chain else [tensors])
        ]
        write(folder, name, chain, events, tensors=listed, **more)

    binary = [transforms.ToFrame(sensor_size=size, n_time_bins=8), transforms.ToBinaRep(n_frames=2, n_bits=4)]
    surfaces("bina_rep_tonic", "bina_rep frames=2 bits=4 edges=floor", binary, "f32", 1e-6)
    past = {"time_window": 20_000, "tau": 9_000, "decay": "exp"}
    averaged = transforms.ToAveragedTimesurface(sensor_size=size, surface_size=3, cell_size=4, **past)
    chain = "averaged_time_surface cell=4 size=3 past=20ms tau=9ms"
    surfaces("averaged_time_surface_tonic", chain, [averaged], "f32", 1e-5)
    surface = transforms.ToTimesurface(sensor_size=size, dt=15_000, tau=8_000)
    chain = "time_surface window=15ms tau=8ms dtype=f64"
    surfaces("time_surface_tonic", chain, [surface], "f64", 1e-9)

    def golden(name, chain, transform, given=events):
        answer = listed(run(transform, given))
        write(folder, name, chain, given, out=answer, maker=f"{maker} {type(transform).__name__}")

    golden("crop_tonic", "crop at=center w=6 h=4", transforms.CenterCrop(sensor_size=size, size=(6, 4)))
    golden("downsample_tonic", "downsample factor=0.5", transforms.Downsample(spatial_factor=0.5))
    golden("time_scale_tonic", "time_skew scale=0.3", transforms.Downsample(time_factor=0.3))
    golden("time_skew_tonic", "time_skew scale=1.5 offset=100us", transforms.TimeSkew(coefficient=1.5, offset=100))
    golden("time_reverse_tonic", "time_reverse", transforms.RandomTimeReversal(p=1))
    golden("time_align_tonic", "time_align by=earliest", transforms.TimeAlignment())
    golden("merge_polarity_tonic", "merge_polarity", transforms.MergePolarities())
    golden("mask_tonic", 'mask pixels="0,0 3,4 5,1"', transforms.DropPixel(coordinates=[[0, 0], [3, 4], [5, 1]]))
    # Its windows are named by times from 0 on, so the stream begins there; of one time, OFF comes behind ON there.
    begun = scene(6, count=1_200, step=120)
    begun = [(t - begun[0][0], x, y, p) for t, x, y, p in begun]
    for method, more in (("integrator", {}), ("differentiator", {"differentiator_time_bins": 2})):
        transform = transforms.EventDownsampling(
            sensor_size=size, target_size=(4, 3), dt=2, downsampling_method=method, noise_threshold=2, **more
        )
        answer = sorted(listed(run(transform, begun)), key=lambda e: (e[0], e[2], e[1], e[3]))
        chain = f"downsample method={method} w=4 h=3 window=2ms threshold=2"
        write(folder, f"downsample_{method}", chain, begun, out=answer, maker=f"{maker} EventDownsampling")


def transforms_of_place_and_time(folder):
    events = scene(4)
    t0, latest = events[0][0], max(t for t, *_ in events)
    turned = [(t, HEIGHT - 1 - y, x, p) for t, x, y, p in events]
    write(folder, "rotate", "rotate angle=90", events, out=turned)
    write(folder, "transpose", "transpose", events, out=[(t, y, x, p) for t, x, y, p in events])
    middle = [(t, x - 3, y - 2, p) for t, x, y, p in events if 3 <= x < 8 and 2 <= y < 6]
    write(folder, "crop_center", "crop at=center w=5 h=4", events, out=middle)
    boxes = [(0, 0, 3, 2), (2, 1, 4, 4)]
    some = [e for e in events if any(x <= e[1] < x + w and y <= e[2] < y + h for x, y, w, h in boxes)]
    write(folder, "regions", 'regions boxes="0,0,3,2 2,1,4,4"', events, out=some)
    write(folder, "time_shift", "time_skew offset=-3ms", events, out=[(t - 3_000, x, y, p) for t, x, y, p in events])
    write(folder, "time_align", "time_align at=5us", events, out=[(t - t0 + 5, x, y, p) for t, x, y, p in events])
    back = [(latest - t, x, y, 1 - p) for t, x, y, p in reversed(events)]
    write(folder, "time_reverse", "time_reverse", events, out=back)


def contrast(events, threshold, name):
    """Per pixel: (polarity, time, whether one was kept since the polarity changed)."""
    last, out = {}, []
    for event in events:
        t, x, y, p = event
        polarity, before, done = last.get((x, y), (None, 0, False))
        same = polarity == p
        goes_on = same and t - before <= threshold
        done = same and done
        kept = {"stc_cut_trail": goes_on and not done, "stc_keep_trail": goes_on, "trail": not goes_on}[name]
        if kept:
            out.append(event)
        last[x, y] = (p, t, done or kept)
    return out


def fast_decay(events, half_life, side, threshold):
    cells, out = {}, []
    for event in events:
        t, x, y, _ = event
        count, before = cells.get((x // side, y // side), (0.0, t))
        count = count * 2.0 ** (-(t - before) / half_life) + 1.0
        cells[x // side, y // side] = count, t
        if count > threshold:
            out.append(event)
    return out


def activity(events, window, radius, least):
    out = []
    for index, event in enumerate(events):
        t, x, y, _ = event
        near = [e for e in events[:index] if abs(e[1] - x) <= radius and abs(e[2] - y) <= radius]
        if sum(t - e[0] < window for e in near) >= least:
            out.append(event)
    return out


def rate_limit(events, budget, window, head):
    filled = defaultdict(list)
    for event in events:
        filled[(event[0] - events[0][0]) // window].append(event)
    cut = (lambda some: some[-budget:]) if head else (lambda some: some[:budget])
    return [event for some in filled.values() for event in cut(some)]


def filters_of_noise(folder):
    events = scene(5, count=900)
    for name in ("stc_cut_trail", "stc_keep_trail", "trail"):
        chain = f"stc threshold=20ms filter={name}"
        write(folder, name, chain, events, out=contrast(events, 20_000, name))
    chain = "fast_decay half_life=4ms subdivision=3 threshold=9.5"
    write(folder, "fast_decay", chain, events, out=fast_decay(events, 4_000, 3, 9.5))
    chain = "activity window=3ms radius=1 least=6"
    write(folder, "activity", chain, events, out=activity(events, 3_000, 1, 6))
    for policy in ("drop_tail", "drop_head"):
        chain = f"rate_limit rate=2kHz window=5ms overflow={policy}"
        out = rate_limit(events, 10, 5_000, policy == "drop_head")
        write(folder, f"rate_limit_{policy}", chain, events, out=out)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(exist_ok=True)
    formulas(target)
    transforms_of_place_and_time(target)
    filters_of_noise(target)
    by_tonic(target)
