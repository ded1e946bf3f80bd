"""What NumPy sees in our NPY and NPZ files, and files of NumPy's own for us to read.

The only argument is a folder. In it are our files, with the events of the rule in tests/tables/mod.rs; this script checks
them and adds `theirs-*` with the same events, and `theirs.txt`: one line each, the file's name and the format to read
it as.
"""

import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
COUNT = 5000


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def events(count):
    """The events of the Rust test, computed again."""
    mask = (1 << 64) - 1
    state = 0x9E3779B97F4A7C15

    def random(below):
        nonlocal state
        state ^= (state << 13) & mask
        state ^= state >> 7
        state ^= (state << 17) & mask
        return state % below

    t, y = 11_200_224, 0
    for _ in range(count):
        if random(4) == 0:
            t += random(9)
            y = random(720)
        yield t, random(1280), y, int(random(5) < 2)


want = np.array(list(events(COUNT)), dtype=np.int64)
t, x, y, p = want.T


def same(what, got):
    for name, column, wanted in zip("txyp", got, want.T):
        if not np.array_equal(np.asarray(column).astype(np.int64), wanted):
            sys.exit(f"{what}: other values of {name}")


ours = np.load(folder / "ours.npy")
expect("type", ours.dtype, np.dtype([("t", "<i8"), ("x", "<u2"), ("y", "<u2"), ("p", "|u1")]))
expect("bytes a record", ours.itemsize, 13)
same("ours.npy", [ours[name] for name in "txyp"])
same("ours.npy, mapped", [np.load(folder / "ours.npy", mmap_mode="r")[name] for name in "txyp"])
turned = np.load(folder / "ours-order.npy")
expect("fields", turned.dtype.names, ("p", "x", "y", "t_ns"))
same("ours-order.npy", [turned["t_ns"] // 1000, turned["x"], turned["y"], turned["p"]])
expect("none", np.load(folder / "ours-none.npy").shape, (0,))
for name in ["ours-store.npz", "ours-deflate.npz"]:
    archive = np.load(folder / name)
    expect("members", archive.files, ["t", "x", "y", "p", "width", "height", "meta"])
    same(name, [archive[column] for column in "txyp"])
    expect("types", [archive[column].dtype.str for column in "txyp"], ["<i8", "<u2", "<u2", "|u1"])
    expect("size", (int(archive["width"]), int(archive["height"])), (1280, 720))
    facts = dict(archive["meta"])
    expect("unit", facts["parallax.time_unit"], "us")
    expect("sensor", facts["parallax.sensor"], "IMX636")
stack = np.load(folder / "ours-stack.npy")
expect("stack", (stack.shape, stack.dtype.str), ((3, 2, 4), "<f4"))
if not np.array_equal(stack, np.arange(24, dtype=np.float32).reshape(3, 2, 4)):
    sys.exit("the stack has other values")
tensors = np.load(folder / "ours-tensors.npz")
expect("tensors", tensors.files, ["frame", "volume", "meta"])
if not np.array_equal(tensors["frame"], np.arange(6, dtype=np.int16).reshape(2, 3)):
    sys.exit("the frame has other values")
expect("volume", (tensors["volume"].shape, tensors["volume"].dtype.str), ((), "<f8"))

lines = []


def theirs(name, read_as=None):
    lines.append(f"{name}\t{read_as or ''}")
    return folder / name


def records(dtype, columns):
    array = np.zeros(COUNT, dtype=dtype)
    for name, column in columns.items():
        array[name] = column
    return array


usual = records([("x", "<u2"), ("y", "<u2"), ("p", "?"), ("t", "<u4")], {"t": t, "x": x, "y": y, "p": p})
np.save(theirs("theirs-usual.npy"), usual)
signed = records(
    [("polarity", "i1"), ("timestamp", ">u8"), ("y", ">i2"), ("x", ">i4"), ("extra", "f8", (3,)), ("name", "U4")],
    {"timestamp": t, "x": x, "y": y, "polarity": p * 2 - 1},
)
np.save(theirs("theirs-signed.npy"), signed)
aligned = np.dtype([("ts", "f8"), ("on", "?"), ("x", "f4"), ("y", "u2")], align=True)
np.save(theirs("theirs-seconds.npy"), records(aligned, {"ts": t / 1e6, "x": x, "y": y, "on": p}))
np.save(theirs("theirs-micros-as-float.npy"), records([("t", "f8"), ("x", "u2"), ("y", "u2"), ("p", "u1")], {"t": t, "x": x, "y": y, "p": p}))
np.save(theirs("theirs-timedelta.npy"), records([("t", "m8[us]"), ("x", "u2"), ("y", "u2"), ("p", "u1")], {"t": t, "x": x, "y": y, "p": p}))
np.save(theirs("theirs-unit.npy", "npy unit=ms"), records([("t", "f8"), ("x", "u2"), ("y", "u2"), ("p", "u1")], {"t": t / 1e3, "x": x, "y": y, "p": p}))
np.save(theirs("theirs-names.npy", "npy columns=y,t,_,p,x"), records([("a", "u2"), ("b", "i8"), ("c", "V3"), ("d", "u1"), ("e", "u2")], {"b": t, "e": x, "a": y, "d": p}))
np.save(theirs("theirs-matrix.npy"), want)
np.save(theirs("theirs-matrix-f4.npy", "npy columns=x,y,t,p"), np.stack([x, y, t, p * 2 - 1], axis=1).astype(">f4"))
np.save(theirs("theirs-matrix-seconds.npy", "npy columns=x,y,t,p"), np.stack([x, y, t / 1e6, p * 2.0 - 1], axis=1))
np.save(theirs("theirs-fortran.npy"), np.array([t, x, y, p]).T)
np.save(theirs("theirs-rows.npy"), np.array([t, x, y, p]))
np.save(theirs("theirs-wide.npy", "npy columns=_,t,x,y,p,_"), np.stack([t, t, x, y, p, x], axis=1))
# A title, a header of version 3.0, records of one and of no axis.
np.save(theirs("theirs-umlaut.npy"), records([("\u00e4\u4e2d", "i8"), ("t", "i8"), ("x", "u2"), ("y", "u2"), ("p", "u1")], {"t": t, "x": x, "y": y, "p": p}))
many = [(f"field_number_{i}_with_a_long_name", "u1") for i in range(2500)]
np.save(theirs("theirs-long-header.npy"), records([("t", "i8"), ("x", "u2"), ("y", "u2"), ("p", "u1")] + many, {"t": t, "x": x, "y": y, "p": p}))

np.savez(theirs("theirs-columns.npz"), t=t, x=x, y=y, p=p)
np.savez_compressed(theirs("theirs-evutils.npz"), x=x.astype("u2"), y=y.astype("u2"), t=t, p=p.astype(bool), width=1280, height=720)
np.savez_compressed(theirs("theirs-imagenet.npz"), event_data=usual)
np.savez(theirs("theirs-events.npz"), label=3, events=signed)
np.savez(theirs("theirs-positional.npz"), want)
np.savez_compressed(theirs("theirs-fortran.npz"), np.array([t, x, y, p]).T)
np.savez(theirs("theirs-array.npz", "npz array=b columns=p,t,y,x"), a=t, b=np.stack([p, t, y, x], axis=1))
np.savez(theirs("theirs-seconds.npz"), timestamps=t / 1e6, x=x, y=y, polarities=p * 2 - 1)
np.savez(theirs("theirs-ns.npz", "npz unit=ns"), ts=t * 1000, x=x, y=y, p=p)

(folder / "theirs.txt").write_text("\n".join(lines) + "\n")
print(f"numpy {np.__version__}: our files as written, {len(lines)} files of its own")
