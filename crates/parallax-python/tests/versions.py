"""What changes with the versions of NumPy, Polars and pyarrow: zero-copy both ways, and DLPack. A program."""

import numpy as np
import polars
import pyarrow

import parallax as px

events = px.sample()
table, frame = events.to_arrow(), events.to_polars()
for name in "txyp":
    address = getattr(events, name).ctypes.data
    assert table[name].chunk(0).buffers()[1].address == address
    assert frame[name].to_physical().to_numpy(allow_copy=False).ctypes.data == address
    assert getattr(px.Events.from_arrow(table), name).ctypes.data == address
    assert getattr(px.Events.from_polars(frame), name).ctypes.data == address
    arrays = [np.array(getattr(events, column)) for column in "txyp"]
    assert px.Events.from_numpy(*arrays).t.ctypes.data == arrays[0].ctypes.data
    try:
        column = np.from_dlpack(events.column(name))
    except BufferError as error:
        assert "copy" in str(error) and np.lib.NumpyVersion(np.__version__) < "2.1.0"
    else:
        assert column.ctypes.data == address and not column.flags.writeable
assert np.from_dlpack(events.frame()).sum() == 1_000
print(f"NumPy {np.__version__}, Polars {polars.__version__}, pyarrow {pyarrow.__version__}: all is well")
