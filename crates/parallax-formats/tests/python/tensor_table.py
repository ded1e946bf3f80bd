"""What pyarrow and Polars see in a table of three frames. The file's path is the only argument."""

import sys
from datetime import timedelta

import polars as pl
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

path = sys.argv[1]
print(f"pyarrow {pa.__version__}, polars {pl.__version__}")


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


if path.endswith(".parquet"):
    table = pq.read_table(path)
    frame = pl.read_parquet(path, columns=["start"])
else:
    with pa.memory_map(path) as source:
        table = ipc.open_file(source).read_all()
    frame = pl.read_ipc(path, columns=["start"])
kind = table.schema.field("tensor").type
expect("type", isinstance(kind, pa.FixedShapeTensorType), True)
expect("shape", (kind.shape, kind.dim_names, str(kind.value_type)), ([2, 3], ["y", "x"], "float"))
expect("start", table["start"].to_pylist(), [timedelta(0), timedelta(milliseconds=10), None])
expect("end", table["end"].to_pylist(), [timedelta(milliseconds=10), timedelta(milliseconds=20), None])
tensors = table["tensor"].combine_chunks()
tensors = tensors.chunk(0) if isinstance(tensors, pa.ChunkedArray) else tensors
array = tensors.to_numpy_ndarray()
expect("array", (array.shape, str(array.dtype)), ((3, 2, 3), "float32"))
expect("values", array[:2].tolist(), [[[0, 1, 2], [3, 4, 5]], [[-1.5] * 3] * 2])
expect("sensor", table.schema.metadata[b"parallax.sensor"], b"IMX636")
expect("polars", frame["start"].to_list()[0], timedelta(0))
