"""What pyarrow, Polars and DuckDB see in a Parquet file of ours: types, values, facts.

The file's path is the only argument; the events in it follow from the rule in tests/tables/mod.rs.
"""

import sys

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

path = sys.argv[1]
print(f"pyarrow {pa.__version__}, polars {pl.__version__}, duckdb {duckdb.__version__}")


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


schema = pq.read_schema(path)
expect("pyarrow types", [str(f.type) for f in schema], ["duration[us]", "uint16", "uint16", "uint8"])
expect("pyarrow nulls", [f.nullable for f in schema], [False] * 4)
facts = {k.decode(): v.decode() for k, v in pq.read_metadata(path).metadata.items()}
expect("unit", facts.get("parallax.time_unit"), "us")
expect("size", (facts.get("parallax.width"), facts.get("parallax.height")), ("1280", "720"))
expect("sensor", facts.get("parallax.sensor"), "IMX636")
expect("serial", facts.get("parallax.extra.serial_number"), "00051463")
expect("schema metadata", schema.metadata[b"parallax.time_unit"], b"us")

frame = pl.read_parquet(path)
expect("polars types", dict(frame.schema), {"t": pl.Duration("us"), "x": pl.UInt16, "y": pl.UInt16, "p": pl.UInt8})

described = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
expect(
    "duckdb types",
    [(row[0], row[1]) for row in described],
    [("t", "BIGINT"), ("x", "USMALLINT"), ("y", "USMALLINT"), ("p", "UTINYINT")],
)

table = pq.read_table(path)
columns = {name: table[name].to_numpy() for name in ["x", "y", "p"]}
columns["t"] = table["t"].cast(pa.int64()).to_numpy()
want = np.array(list(events(table.num_rows)), dtype=np.int64)
for index, name in enumerate(["t", "x", "y", "p"]):
    ours = want[:, index]
    series = frame[name].to_physical().to_numpy()
    duck = duckdb.sql(f"SELECT {name} FROM read_parquet('{path}')").fetchnumpy()[name]
    for tool, got in [("pyarrow", columns[name]), ("polars", series), ("duckdb", duck)]:
        if not np.array_equal(np.asarray(got).astype(np.int64), ours):
            sys.exit(f"{tool} reads other values of {name}")

some = int(want[len(want) // 2, 0])
count = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}') WHERE t < {some}").fetchall()[0][0]
expect("duckdb time filter", count, int((want[:, 0] < some).sum()))
print(f"{table.num_rows} events, as written")
