"""Recordings written by `parallax convert`, read by other libraries: a line for each, with what became of the events.

    written.py PROGRAM RECORDINGS

The digest is the SHA-256 of the N x 4 matrix of t, x, y, p in int64, held against the one on which independent decoders of
the recording agree. Prints a table in Markdown; ends with 1 if a library read other events than those, unless it is known for
other times (`KNOWN`) and all else is the same. A recording that is not there is left out by name.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import decode_peer

GEN4, EVT3, DENSE, DAVIS = "faery/gen4.dat", "faery/evt3.raw", "expelliarmus/evt3_sample.raw", "faery/davis346.aedat4"
NMNIST = "tonic/sample_nmnist.bin"

# What independent decoders agree on, as the tests of the project have it.
AGREED = {
    GEN4: "0a9dd5278f03b41c39422e9d82402fa803a9a3f55103b364bccc2e1daa790e22",
    EVT3: "d200a017c73b3e10b83071abcfec98bf0154d6ad2d8241f99f9900e4ccbe262c",
    DENSE: "b13f6a8414eaa83afd6b709a3bd86cb853fc5987ae05f3a83aac039769978dca",
    DAVIS: "1311822986a2fd4ee9ad0ec3f9991deea38c9d8975680710a3f761a0b37dfd2a",
    NMNIST: "4fb5a854c2136e283d313ceccfee2f62aedc694ea75837c6bec86df9f9ead204",
}

# Format, extension, the recordings that are written so, who reads them.
ROWS = [
    ("evt2", "raw", [GEN4, EVT3], ["expelliarmus", "faery", "evutils", "evlib"]),
    ("evt21 endianness=legacy", "raw", [GEN4, EVT3, DENSE], ["evutils"]),
    ("evt3", "raw", [GEN4, EVT3, DENSE], ["evt3", "faery", "evutils", "evlib", "expelliarmus"]),
    ("dat", "dat", [GEN4, EVT3], ["expelliarmus", "faery", "evutils", "numpy"]),
    ("es", "es", [GEN4, EVT3], ["event_stream", "faery"]),
    ("aedat4", "aedat4", [DAVIS, GEN4], ["aestream", "faery", "dv_processing", "aedat"]),
    ("aedat4 compression=zstd", "aedat4", [DAVIS, GEN4], ["faery", "dv_processing", "aedat"]),
    ("aedat4 compression=none", "aedat4", [DAVIS, GEN4], ["faery", "dv_processing", "aedat"]),
    ("csv", "csv", [GEN4, EVT3, DAVIS], ["polars", "faery", "duckdb"]),
    ("rpg", "txt", [GEN4, EVT3], ["polars", "evlib"]),
    ("parquet", "parquet", [GEN4, EVT3, DAVIS], ["polars", "pyarrow", "duckdb"]),
    ("arrow", "arrow", [GEN4, EVT3, DAVIS], ["polars", "pyarrow"]),
    ("arrow_stream", "arrows", [GEN4, EVT3, DAVIS], ["polars", "pyarrow"]),
    ("npy", "npy", [GEN4, EVT3, DAVIS], ["numpy_array"]),
    ("npz", "npz", [GEN4, EVT3, DAVIS], ["numpy_array"]),
    ("atis_bin", "bin", [NMNIST], ["tonic"]),
]

# Its times are other ones also where the file is the camera's own. It comes behind a library that reads the right ones.
KNOWN = {
    ("evt3", "expelliarmus"): "its times differ on files of the camera, too",
    ("rpg", "evlib"): "it cuts times down, so one in seventy is 1 us less",
}


def named(table):
    return tuple(table[name] for name in "txyp")


def load_evlib(format, path):
    import evlib

    frame = evlib.load_events(path, sort=False).collect()
    p = (frame["polarity"].to_numpy() > 0).astype("i8")
    return frame["t"].dt.total_microseconds().to_numpy(), frame["x"].to_numpy(), frame["y"].to_numpy(), p


def load_dv_processing(format, path):
    import dv_processing
    import numpy

    recording = dv_processing.io.MonoCameraRecording(path)
    parts = []
    while (batch := recording.getNextEventBatch()) is not None:
        parts.append(batch.numpy())
    events = numpy.concatenate(parts)
    return events["timestamp"], events["x"], events["y"], events["polarity"]


def load_aedat(format, path):
    import aedat
    import numpy

    events = numpy.concatenate([packet["events"] for packet in aedat.Decoder(path) if "events" in packet])
    return events["t"], events["x"], events["y"], events["on"]


def load_tonic(format, path):
    import numpy
    import tonic

    fields = [("x", int), ("y", int), ("t", int), ("p", int)]
    events = tonic.io.read_mnist_file(path, dtype=numpy.dtype(fields))
    return named(events)


def load_polars(format, path):
    import polars

    if format in ("csv", "rpg"):
        return decode_peer.load_polars(format, path)
    read = dict(parquet=polars.read_parquet, arrow=polars.read_ipc, arrow_stream=polars.read_ipc_stream)[format]
    table = read(path)
    return tuple(micros(table[name].to_numpy()) for name in "txyp")


def load_pyarrow(format, path):
    import pyarrow
    import pyarrow.parquet

    if format == "parquet":
        table = pyarrow.parquet.read_table(path)
    else:
        with pyarrow.OSFile(path) as file:
            of = pyarrow.ipc.open_file if format == "arrow" else pyarrow.ipc.open_stream
            table = of(file).read_all()
    return tuple(micros(table[name].to_numpy()) for name in "txyp")


def load_duckdb(format, path):
    import duckdb

    table = duckdb.sql(f"select * from '{path}'").arrow()
    table = table.read_all() if hasattr(table, "read_all") else table
    # The columns of a text are called `t,x@1280,y@720,on`.
    return tuple(micros(table[index].to_numpy()) for index in range(4))


def load_numpy_array(format, path):
    import numpy

    return named(numpy.load(path))


def micros(column):
    return column.astype("m8[us]") if column.dtype.kind == "m" else column


def load(library, format, path):
    own = globals().get("load_" + library) or getattr(decode_peer, "load_" + library)
    return own(format, path)


def digests(columns):
    """Of all, and of all but the times."""
    import numpy

    matrix = numpy.stack([numpy.asarray(column).astype("<i8") for column in columns], axis=1)
    return tuple(hashlib.sha256(numpy.ascontiguousarray(part).tobytes()).hexdigest() for part in (matrix, matrix[:, 1:]))


def read(library, format, path):
    """In a process of its own: some libraries end theirs on files that they do not like."""
    command = [sys.executable, __file__, "--read", library, format, path]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout.strip().splitlines()[-1].split()
    return "refused: " + (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1][:100], None


def main():
    program, recordings = sys.argv[1:]
    is_right = True
    print("| written as | from | read by | events |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for row, extension, sources, libraries in ROWS:
            format = row.split()[0]
            for source in sources:
                if not Path(recordings, source).is_file():
                    print(f"| `{row}` | {source} | left out: not there | |", flush=True)
                    continue
                path = str(Path(folder, f"written.{extension}"))
                command = [program, "convert", str(Path(recordings, source)), path, "--to", row, "--force"]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    raise SystemExit(f"{row} from {source}: {done.stderr}")
                pixels = None
                for library in libraries:
                    found, found_pixels = read(library, format, path)
                    known = KNOWN.get((format, library)) if pixels is not None and found_pixels == pixels else None
                    if found == AGREED[source]:
                        shown, pixels = "the same", found_pixels
                    else:
                        shown = known or ("others" if found_pixels else found)
                        is_right &= known is not None
                    print(f"| `{row}` | {Path(source).name} | {library} | {shown} |", flush=True)
    sys.exit(not is_right)


if sys.argv[1] == "--read":
    print(*digests(load(*sys.argv[2:])))
else:
    main()
