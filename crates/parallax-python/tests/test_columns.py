"""Columns are the same memory for everybody, and outlive what they came from."""

import gc

import duckdb
import numpy as np
import polars
import pyarrow
import pytest

import parallax as px

NAMES = ("t", "x", "y", "p")


def address(column):
    return column.ctypes.data


def test_types_and_flags():
    events = px.sample()
    assert [getattr(events, name).dtype.name for name in NAMES] == ["int64", "uint16", "uint16", "uint8"]
    for name in NAMES:
        column = getattr(events, name)
        assert not column.flags.writeable and not column.flags.owndata
        with pytest.raises(ValueError):
            column[0] = 1
        with pytest.raises(ValueError):
            column.flags.writeable = True


def test_asking_again_gives_the_same_memory():
    events = px.sample()
    for name in NAMES:
        first = address(getattr(events, name))
        assert address(getattr(events, name)) == first
        assert address(np.asarray(events.column(name))) == first
        assert address(getattr(events[:], name)) == first
        assert address(events[name]) == first


def test_a_slice_points_into_the_same_memory():
    events = px.sample()
    part = events[100:200]
    for name in NAMES:
        column = getattr(events, name)
        assert address(getattr(part, name)) == address(column) + 100 * column.itemsize


def test_numpy_columns_come_in_without_a_copy():
    arrays = [np.array([5, 7]), *(np.array([1, 2], np.uint16) for _ in "xy"), np.array([0, 1], np.uint8)]
    events = px.Events.from_numpy(*arrays)
    assert [address(getattr(events, name)) for name in NAMES] == [address(array) for array in arrays]
    copied = px.Events.from_numpy(*arrays, copy=True)
    assert address(copied.t) != address(arrays[0])
    # The same bytes under another name: no copy either.
    signed, switches = arrays[1].astype(np.int16), np.array([True, False])
    events = px.Events.from_numpy(arrays[0], signed, signed, switches)
    assert (address(events.x), address(events.p)) == (address(signed), address(switches))


def test_pyarrow_sees_the_same_memory():
    events = px.sample()
    table = events.to_arrow()
    assert [str(kind) for kind in table.schema.types] == ["duration[us]", "uint16", "uint16", "uint8"]
    for name in NAMES:
        (chunk,) = table[name].chunks
        assert chunk.buffers()[1].address == address(getattr(events, name))
    back = px.Events.from_arrow(table)
    for name in NAMES:
        assert address(getattr(back, name)) == address(getattr(events, name))
    assert back.equals(events), "the facts travel in the schema"


def test_pyarrow_reads_the_schema_alone():
    schema = pyarrow.schema(px.sample())
    assert schema.names == list(NAMES)
    assert schema.metadata[b"parallax.width"] == b"64"


def test_polars_sees_the_same_memory():
    events = px.sample()
    frame = events.to_polars()
    assert frame.schema["t"] == polars.Duration("us")
    for name in NAMES:
        assert address(frame[name].to_physical().to_numpy(allow_copy=False)) == address(getattr(events, name))
    back = px.Events.from_polars(frame, meta=events.meta)
    for name in NAMES:
        assert address(getattr(back, name)) == address(getattr(events, name))
    assert back.equals(events)


def test_duckdb_answers_as_numpy_does():
    events = px.sample()
    seen = events.to_arrow()
    query = "select count(*), sum(x), max(y), sum(p), max(epoch_us(t)) from seen"
    expected = (1_000, events.x.sum(), events.y.max(), events.p.sum(), events.t.max())
    assert duckdb.sql(query).fetchall() == [tuple(map(int, expected))]
    back = px.Events.from_arrow(duckdb.sql("select epoch_us(t) as t, x, y, p from seen where p = 1").to_arrow_table())
    np.testing.assert_array_equal(back.t, events.t[events.p == 1])


def test_pandas_has_the_same_values():
    events = px.sample()
    frame = events.to_pandas()
    np.testing.assert_array_equal(frame["t"].to_numpy().astype(np.int64), events.t)
    np.testing.assert_array_equal(frame["x"], events.x)


def views_of(events):
    yield events.t
    yield events.to_arrow()["x"].chunk(0).to_numpy()
    yield events.to_polars()["y"].to_numpy()
    yield np.from_dlpack(events.column("p"))


@pytest.mark.parametrize("which", range(4))
def test_a_view_outlives_the_events(which):
    events = px.read(b"t,x,y,p\n" + b"".join(b"%d,3,4,1\n" % t for t in range(50_000)))
    view = list(views_of(events))[which]
    expected = view.copy()
    del events
    gc.collect()
    # New memory of the same sizes would land where the old was.
    junk = [np.full(50_000, 255, kind) for kind in (np.int64, np.uint16, np.uint16, np.uint8)]
    np.testing.assert_array_equal(view, expected)
    assert len(junk) == 4


def test_borrowed_arrays_live_as_long_as_the_events():
    array = np.arange(10_000)
    events = px.Events.from_numpy(array, *(np.zeros(10_000, np.uint16) for _ in "xy"), np.zeros(10_000, np.uint8))
    del array
    gc.collect()
    junk = np.full(10_000, -1)
    np.testing.assert_array_equal(events.t, np.arange(10_000))
    assert len(junk) == 10_000


def test_dlpack_columns_are_read_only():
    events = px.sample()
    column = np.from_dlpack(events.column("t"))
    assert not column.flags.writeable
    assert address(column) == address(events.t)
    copied = np.from_dlpack(events.column("t"), copy=True)
    copied[0] = 5
    assert events.t[0] == 0


def test_a_consumer_that_knows_no_read_only_is_refused_with_a_hint():
    column = px.sample().column("t")
    with pytest.raises(BufferError, match="copy=True"):
        column.__dlpack__()
    with pytest.raises(BufferError, match="CPU"):
        column.__dlpack__(max_version=(1, 0), dl_device=(2, 0))
    assert "dltensor" in repr(column.__dlpack__(copy=True))
    assert "dltensor_versioned" in repr(column.__dlpack__(max_version=(1, 1)))
