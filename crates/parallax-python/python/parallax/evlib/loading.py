"""Loading, as evlib has it: lazy tables of Polars with the columns x, y, t, polarity."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

from .. import _native
from .._errors import _wrong
from .._pushdown import Bounds, bounds_of
from .._reader import _options, open
from .._scan import chain_of, range_of
from .streaming import STREAMING_THRESHOLD, chunk_of, expected_events, in_chunks, warn_if_large

if TYPE_CHECKING:
    import polars

_TEXT = ("csv", "rpg")
"""Formats whose polarities evlib leaves at 0 and 1."""


def load_events(
    path: str | os.PathLike[str],
    t_start: float | None = None,
    t_end: float | None = None,
    min_x: int | None = None,
    max_x: int | None = None,
    min_y: int | None = None,
    max_y: int | None = None,
    polarity: int | None = None,
    sort: bool = True,
    *,
    streaming_threshold: int = STREAMING_THRESHOLD,
    memory_limit_mb: float | None = None,
    chunk_size: int | None = None,
    progress_callback: Callable[[int, int], object] | None = None,
) -> polars.LazyFrame:
    """A recording as a lazy table of Polars: x and y Int16, t Duration in microseconds, polarity Int8.

    It is read when the table is collected, and what a query filters by time, region and polarity is left out while reading.

    Parameters
    ----------
    path : str or path
        The recording.
    t_start, t_end : float, optional
        In seconds, both inside.
    min_x, max_x, min_y, max_y : int, optional
        Pixels, all inside.
    polarity : int, optional
        Only this one: -1 or 1; 0 or 1 for text.
    sort : bool, default True
        Whether the table is in order of time; events of one time stay in the recorded order.
    streaming_threshold : int, default 5 million
        A recording of more events passes in chunks unless all of it is wanted and `memory_limit_mb` holds that at once; a
        smaller one is always decoded at once. The table is the same, and little more memory is taken than it needs.
    memory_limit_mb : float, optional
        How much memory reading may take; a quarter of what is free, if absent.
    chunk_size : int, optional
        The most events in a chunk; a recording above the threshold then passes in chunks in any case.
    progress_callback : callable, optional
        Called with (bytes read, bytes in all) while reading that takes over a second.

    Returns
    -------
    polars.LazyFrame
        ``polarity`` is -1 and 1, and 0 and 1 for text.

    Examples
    --------
    >>> import parallax as px, parallax.evlib as evlib, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "events.csv")
    >>> px.sample(4).write(path)
    >>> evlib.load_events(path, t_start=0.0001, t_end=0.0002).collect()["polarity"].to_list()
    [1, 0]
    >>> folder.cleanup()
    """
    import polars as pl

    path = os.fspath(path)
    rows = lazy(path, None, sort, streaming_threshold, memory_limit_mb, chunk_size, progress_callback)
    t, x, y = pl.col("t"), pl.col("x"), pl.col("y")
    wanted = [
        None if t_start is None else t >= pl.duration(microseconds=first_micros(t_start)),
        None if t_end is None else t <= pl.duration(microseconds=last_micros(t_end)),
        None if min_x is None else x >= min_x,
        None if max_x is None else x <= max_x,
        None if min_y is None else y >= min_y,
        None if max_y is None else y <= max_y,
        None if polarity is None else pl.col("polarity") == polarity,
    ]
    predicates = [predicate for predicate in wanted if predicate is not None]
    return rows.filter(*predicates) if predicates else rows


def first_micros(seconds: float) -> int:
    """The first whole microsecond at or after a time; what lies within a picosecond of one is that one."""
    return math.ceil(round(seconds * 1e6, 6))


def last_micros(seconds: float) -> int:
    """The last whole microsecond at or before a time."""
    return math.floor(round(seconds * 1e6, 6))


def lazy(
    path: str,
    format: str | None,
    sort: bool,
    threshold: int,
    memory_limit_mb: float | None,
    chunk_size: int | None,
    callback: Callable[[int, int], object] | None,
) -> polars.LazyFrame:
    """A recording as a lazy table; see `load_events`."""
    import polars as pl

    # What is wrong with the file is said now, not when the table is collected.
    with open(path, format=format) as reader:
        signed = reader.format not in _TEXT
    schema: dict[str, Any] = {"x": pl.Int16, "y": pl.Int16, "t": pl.Duration("us"), "polarity": pl.Int8}

    def load(predicate: pl.Expr | None, n_rows: int | None) -> pl.DataFrame:
        bounds, most = bounds_of(predicate) if n_rows is None else Bounds(), None if sort else n_rows
        if bounds.is_empty:
            return pl.DataFrame(schema=schema)
        events = expected_events(path, format)
        # Only a table of all events is decoded to its place at once.
        some = most is not None or bounds != Bounds()
        streaming = events > threshold if some else in_chunks(events, threshold, chunk_size, memory_limit_mb)
        if events > threshold:
            warn_if_large(events, path)
        options = _options(
            format, range_of(bounds), "keep", False, None, chunk=chunk_of(chunk_size, memory_limit_mb)
        )
        chain = chain_of(bounds)
        table = _native.read_frame(
            path,
            options,
            {"signed": signed, "streaming": streaming, "most": most},
            None if chain is None else _native.Chain.parse(chain),
            callback,
        )
        frame = table_of(table)
        if not sort:
            return frame
        if not table.in_order:
            return frame.sort("t", maintain_order=True)
        return frame.with_columns(pl.col("t").set_sorted())

    return when_collected(load, schema)


def when_collected(
    make: Callable[[polars.Expr | None, int | None], polars.DataFrame], schema: Mapping[str, Any]
) -> polars.LazyFrame:
    """A lazy table that is made when it is collected. `make` may use what is asked for, a condition and a number of rows."""
    from polars.io.plugins import register_io_source

    def frames(
        columns: list[str] | None, predicate: polars.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[polars.DataFrame]:
        frame = make(predicate, n_rows)
        if n_rows is not None:
            frame = frame.head(n_rows)
        if predicate is not None:
            frame = frame.filter(predicate)
        yield frame.select(columns) if columns is not None else frame

    return register_io_source(frames, schema=dict(schema), is_pure=True)


def table_of(table: _native.Frame) -> polars.DataFrame:
    """The same memory as a table of Polars."""
    import polars as pl

    return pl.DataFrame(table)


def as_lazy(events: Any) -> polars.LazyFrame:
    """A lazy table of a table, of a recording's path, or of Parallax' own events."""
    import polars as pl

    from .._events import Events

    if isinstance(events, pl.LazyFrame):
        return events
    if isinstance(events, pl.DataFrame):
        return events.lazy()
    if isinstance(events, Events):
        return table_of(_native.frame_of(events._batch, True)).lazy()
    if isinstance(events, (str, os.PathLike)):
        return load_events(events)
    raise _wrong(f"a {type(events).__name__} has no events", "give a table of Polars or the path of a recording")
