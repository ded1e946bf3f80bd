"""Times as arguments: a whole number counts in the stream's unit, everything else has a unit of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Union

from . import _native
from ._errors import _wrong
from ._meta import TimeUnit
from ._numpy import np

Time = Union[int, str, timedelta, "np.timedelta64"]
"""A whole number in the stream's unit, a text with its unit (``"50ms"``), or a timedelta."""


def ticks(value: Time, unit: TimeUnit, name: str) -> int:
    """A time in the stream's unit, exactly; an error where that would lose precision."""
    if isinstance(value, str):
        return _native.ticks(value, unit)
    if isinstance(value, timedelta):
        micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
        return _native.ticks(f"{micros}us", unit)
    if isinstance(value, np.timedelta64):
        return _native.ticks(f"{value.astype('timedelta64[ns]').astype(np.int64)}ns", unit)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    raise _wrong(
        f"`{name}` cannot be {value!r}",
        f"give a whole number of {unit}, a text with its unit such as '50ms', or a timedelta",
    )


def is_time(value: Any) -> bool:
    """Whether it is a time with a unit of its own: no index."""
    return isinstance(value, (str, timedelta, np.timedelta64))


def range_text(value: Any) -> str | None:
    """A range of time for a reader: a text as the command writes it, or a pair of times with units."""
    if value is None or isinstance(value, str):
        return value
    try:
        start, stop = value
    except (TypeError, ValueError):
        raise _wrong(
            f"`time` cannot be {value!r}",
            "give a text such as '1s..2s' or '+0..+100ms', or a pair of times",
        ) from None
    return f"{_text(start)}..{_text(stop)}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if is_time(value):
        return f"{ticks(value, 'ns', 'time')}ns"
    raise _wrong(
        f"`time` cannot hold {value!r}",
        "give texts with a unit, such as ('1s', '2s'): the stream's unit is not known yet",
    )
