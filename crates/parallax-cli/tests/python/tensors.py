"""The same tensors as NPY, NPZ, Parquet and Arrow, as NumPy and pyarrow see them. The folder is the only argument."""

import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

folder = pathlib.Path(sys.argv[1])
want = np.load(folder / "counts.npy")


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, want {wanted!r}")


expect("dimensions", want.ndim, 4)
archive = np.load(folder / "counts.npz")
names = sorted(name for name in archive.files if name.startswith("tensor"))
expect("npz", all((archive[name] == want[index]).all() for index, name in enumerate(names)), True)
expect("npz length", len(names), len(want))
with pa.memory_map(str(folder / "counts.arrow")) as source:
    arrow = ipc.open_file(source).read_all()
for name, table in [("arrow", arrow), ("parquet", pq.read_table(folder / "counts.parquet"))]:
    tensors = table["tensor"].combine_chunks()
    tensors = tensors.chunk(0) if isinstance(tensors, pa.ChunkedArray) else tensors
    expect(name, (tensors.to_numpy_ndarray() == want).all(), True)
    starts = table["start"].cast(pa.int64()).to_pylist()
    expect(f"{name} windows", {b - a for a, b in zip(starts, starts[1:])}, {100_000})
