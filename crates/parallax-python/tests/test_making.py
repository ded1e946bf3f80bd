"""Events made of other people's columns: NumPy says what they must be."""

import numpy as np
import polars
import pyarrow
import pytest
from conftest import columns
from hypothesis import given, strategies

import parallax as px


def same(events, t, x, y, p):
    for name, expected in zip("txyp", (t, x, y, p)):
        np.testing.assert_array_equal(getattr(events, name), expected)


@given(columns())
def test_numpy_in_numpy_out(made):
    same(px.Events.from_numpy(*made), *made)
    records = px.Events.from_numpy(*made).to_numpy()
    same(px.Events.from_numpy(records), *made)


@given(columns(), strategies.sampled_from([np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64]))
def test_every_type_of_integer_is_taken(made, kind):
    t, x, y, p = made
    same(px.Events.from_numpy(t, x.astype(kind), y.astype(kind), p.astype(kind)), t, x, y, p)


@given(columns(), strategies.sampled_from([">i8", "<i8"]), strategies.integers(1, 3))
def test_strides_and_byte_orders_are_taken(made, order, step):
    t, x, y, p = made
    same(px.Events.from_numpy(t.astype(order)[::step], x[::step], y[::step], p[::step]), *(c[::step] for c in made))


@given(columns())
def test_arrow_in_arrow_out(made):
    events = px.Events.from_numpy(*made, width=64, height=48)
    assert px.Events.from_arrow(events.to_arrow()).equals(events)
    assert px.Events.from_polars(events.to_polars(), meta=events.meta).equals(events)


@given(columns(), strategies.integers(0, 200))
def test_tables_in_pieces_are_joined(made, cut):
    t, x, y, p = made
    table = pyarrow.table({"t": t, "x": x, "y": y, "p": p})
    pieces = pyarrow.concat_tables([table.slice(0, cut), table.slice(cut)])
    same(px.Events.from_arrow(pieces), *made)
    frame = polars.concat([polars.DataFrame(table.slice(0, cut)), polars.DataFrame(table.slice(cut))], rechunk=False)
    same(px.Events.from_polars(frame), *made)


def test_polarities_of_minus_one_and_one():
    events = px.Events.from_numpy([1, 2, 3], [0, 0, 0], [0, 0, 0], np.array([-1, 1, 0]))
    assert events.p.tolist() == [0, 1, 0]


def test_times_with_a_unit_bring_it_along():
    t = np.array([1, 2], "timedelta64[ns]")
    events = px.Events.from_numpy(t, [0, 0], [0, 0], [0, 1])
    assert events.meta.time_unit == "ns" and events.t.tolist() == [1, 2]
    events = px.Events.from_numpy(np.array([1, 2], "timedelta64[s]"), [0, 0], [0, 0], [0, 1])
    assert events.meta.time_unit == "us" and events.t.tolist() == [1_000_000, 2_000_000]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"x": [70_000]}, "x = 70000 of event 0 is not within 0 to 65535"),
        ({"y": [-1]}, "y = -1 of event 0"),
        ({"p": [2]}, "p = 2 of event 0"),
        ({"p": np.array([7], np.uint8)}, "polarity 7 of event 0"),
        ({"x": [64]}, "outside the sensor of 64x48"),
        ({"x": [1, 2]}, "different lengths"),
        ({"t": [0.5]}, "float64"),
        ({"t": [[1]]}, "2 dimensions"),
        ({"t": np.array(["NaT"], "timedelta64[us]")}, "is no time"),
        ({"t": np.array([2**63], np.uint64)}, "not within"),
    ],
)
def test_what_does_not_fit_is_named(change, text):
    made = {"t": [1], "x": [2], "y": [3], "p": [1], **change}
    with pytest.raises(ValueError, match=text):
        px.Events.from_numpy(**made, width=64, height=48)


def test_what_is_no_table_is_refused():
    with pytest.raises(px.ParamError, match="PyCapsule"):
        px.Events.from_arrow([1, 2])
    with pytest.raises(px.NotFoundError, match="no column y"):
        px.Events.from_arrow(pyarrow.table({"t": [1], "x": [1]}))
    with pytest.raises(px.ParamError, match="no column p"):
        px.Events.from_numpy({"t": [1], "x": [1], "y": [1]})
    with pytest.raises(TypeError, match="made by"):
        px.Events(object())


def test_nulls_are_refused():
    table = pyarrow.table({"t": [1, None], "x": [1, 2], "y": [1, 2], "p": [0, 1]})
    with pytest.raises(px.MalformedError, match="nulls"):
        px.Events.from_arrow(table)


def test_a_subclass_of_an_array_is_taken_for_what_it_holds():
    class Mine(np.ndarray):
        pass

    t = np.array([1, 2]).view(Mine)
    assert px.Events.from_numpy(t, [0, 0], [0, 0], [0, 1]).t.tolist() == [1, 2]
