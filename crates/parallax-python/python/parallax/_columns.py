"""Other people's columns as ours: the same memory where the types fit, else converted, every value checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import MalformedError, _wrong
from ._extras import needed
from ._meta import TimeUnit
from ._numpy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNITS: dict[str, TimeUnit] = {"ms": "ms", "us": "us", "ns": "ns"}


def columns_of(table: Any) -> tuple[Any, Any, Any, Any]:
    """The four columns of a structured array or a mapping."""
    names = getattr(getattr(table, "dtype", None), "names", None)
    if names is None and hasattr(table, "keys"):
        names = tuple(table.keys())
    if names is None:
        raise _wrong(
            "there are times alone", "give t, x, y and p, or a structured array with these fields"
        )
    missing = [name for name in ("t", "x", "y", "p") if name not in names]
    if missing:
        raise _wrong(
            f"there is no column {missing[0]}", f"the columns are: {', '.join(map(str, names))}"
        )
    return table["t"], table["x"], table["y"], table["p"]


def t_column(values: Any) -> tuple[NDArray[np.int64], TimeUnit | None]:
    """Times as int64, and their unit if they have one of their own."""
    values = _flat(values, "t")
    unit: TimeUnit | None = None
    if values.dtype.kind == "m":
        unit = _UNITS.get(np.datetime_data(values.dtype)[0])
        if unit is None or np.datetime_data(values.dtype)[1] != 1:
            values, unit = values.astype("timedelta64[us]"), "us"
        if np.isnat(values).any():
            raise _bad("t", values, np.isnat(values), "is no time")
        values = values.view(np.int64)
    return _converted(values, np.dtype(np.int64), "t"), unit


def x_or_y_column(values: Any, name: str) -> NDArray[np.uint16]:
    """Pixels as uint16."""
    return _converted(_flat(values, name), np.dtype(np.uint16), name)


def p_column(values: Any) -> NDArray[np.uint8]:
    """Polarities as 0 or 1, from 0/1, -1/1 or booleans."""
    values = _flat(values, "p")
    if values.dtype.kind == "b":
        switches: NDArray[np.uint8] = _contiguous(values).view(np.uint8)
        return switches
    if values.dtype.kind == "i":
        wrong = (values < -1) | (values > 1)
        if wrong.any():
            raise _bad("p", values, wrong, "is neither 0 or 1 nor -1 or 1")
        signs: NDArray[np.uint8] = (values > 0).astype(np.uint8)
        return signs
    return _converted(values, np.dtype(np.uint8), "p")


def first_column(table: Any) -> Any:
    """The Arrow stream of an object, as a capsule."""
    if hasattr(table, "__arrow_c_stream__"):
        return table.__arrow_c_stream__()
    if hasattr(table, "__arrow_c_array__"):
        needed("pyarrow")
        import pyarrow

        return pyarrow.table(table).__arrow_c_stream__()
    raise _wrong(
        f"a {type(table).__name__} does not speak Arrow's PyCapsule interface",
        "give a table of pyarrow or a data frame of Polars",
    )


def _flat(values: Any, name: str) -> NDArray[Any]:
    array = np.asarray(values)
    if type(array) is not np.ndarray:
        # A subclass may hide its elements behind more than an address.
        array = array.view(np.ndarray)
    if array.ndim != 1:
        raise _wrong(f"`{name}` has {array.ndim} dimensions", "it must have one")
    if not array.size:
        return np.empty(0, np.int64 if name == "t" else np.uint16 if name != "p" else np.uint8)
    if array.dtype.kind not in "bium":
        raise _wrong(
            f"`{name}` is an array of {array.dtype}", "convert it to whole numbers, in a unit that loses nothing"
        )
    return array


def _converted(array: NDArray[Any], wanted: np.dtype[Any], name: str) -> NDArray[Any]:
    if array.dtype == wanted:
        return _contiguous(array)
    limits = np.iinfo(wanted)
    low, high = array.min(), array.max()
    if int(low) < limits.min or int(high) > limits.max:
        wrong = (array < limits.min) if int(low) < limits.min else (array > limits.max)
        raise _bad(name, array, wrong, f"is not within {limits.min} to {limits.max}")
    if array.dtype.itemsize == wanted.itemsize and array.dtype.isnative:
        # int16 for uint16: the same bytes, now that no value is negative.
        return _contiguous(array).view(wanted)
    return array.astype(wanted)


def _contiguous(array: NDArray[Any]) -> NDArray[Any]:
    if array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative:
        return array
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).copy()


def _bad(name: str, values: NDArray[Any], wrong: NDArray[np.bool_], why: str) -> MalformedError:
    index = int(np.flatnonzero(wrong)[0])
    message = f"{name} = {values[index]} of event {index} {why}"
    error = MalformedError(message)
    error.message, error.context = message, {"column": name}
    return error
