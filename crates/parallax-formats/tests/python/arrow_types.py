"""What pyarrow and Polars see in an Arrow file or stream of ours. The file's path is the only argument."""

import sys

import polars as pl
import pyarrow as pa
import pyarrow.ipc as ipc

path = sys.argv[1]
is_stream = path.endswith(".arrows")
print(f"pyarrow {pa.__version__}, polars {pl.__version__}")


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


with pa.memory_map(path) as source:
    reader = ipc.open_stream(source) if is_stream else ipc.open_file(source)
    table = reader.read_all()
expect("pyarrow types", [str(f.type) for f in table.schema], ["duration[us]", "uint16", "uint16", "uint8"])
expect("unit", table.schema.metadata[b"parallax.time_unit"], b"us")
expect("sensor", table.schema.metadata[b"parallax.sensor"], b"IMX636")
expect("t", table["t"].cast(pa.int64()).to_pylist(), [10, 12, 12, 40])
expect("x", table["x"].to_pylist(), [1, 1279, 0, 7])
expect("y", table["y"].to_pylist(), [2, 0, 719, 8])
expect("p", table["p"].to_pylist(), [1, 0, 1, 0])

frame = pl.read_ipc_stream(path) if is_stream else pl.read_ipc(path)
expect("polars types", dict(frame.schema), {"t": pl.Duration("us"), "x": pl.UInt16, "y": pl.UInt16, "p": pl.UInt8})
expect("polars t", frame["t"].to_physical().to_list(), [10, 12, 12, 40])
