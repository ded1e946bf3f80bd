"""Recordings as lazy tables of Polars: what a query asks for decides what is decoded and kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterator, Literal, Sequence, Union


from . import _native
from ._errors import NotFoundError, _wrong
from ._events import Events
from ._extras import needed
from ._operators import Operator
from ._pushdown import Bounds, bounds_of
from ._reader import Reader, Source, _options
from ._time import range_text


if TYPE_CHECKING:
    import polars

Sources = Union[Source, Sequence[Source]]
"""A recording, several, or a pattern of paths."""


def scan(
    source: Sources,
    *,
    format: str | None = None,
    time: str | tuple[Any, Any] | None = None,
    order: Literal["keep", "strict", "check"] = "keep",
    strict: bool = False,
    geometry: tuple[int, int] | str | None = None,
    mmap: bool = True,
    chunk: int | None = None,
    include_file_paths: str | None = None,
) -> polars.LazyFrame:
    """A recording as a lazy table of Polars with the columns t, x, y, p.

    A query decodes what it needs, batch by batch: a range of time, a region and a polarity that a filter asks for go down to
    the reader, other filters are applied to each batch, ``head`` stops the reading. With ``collect(engine="streaming")`` a
    query that aggregates stays in constant memory. For a range of time all of an EVT3 recording has to be looked through
    once; later queries of the same scan know where its times lie, as long as the file does not change.

    Parameters
    ----------
    source : str, path, bytes, or several of these
        Recordings, one after another; a text with ``*``, ``?`` or ``[`` is a pattern of paths.
    format, time, order, strict, geometry, mmap, chunk
        As for `open`.
    include_file_paths : str, optional
        The name of a column with the path of the recording.

    Returns
    -------
    polars.LazyFrame
        ``t`` is a Duration in the stream's unit, ``x`` and ``y`` are UInt16, ``p`` is UInt8.

    Examples
    --------
    >>> import parallax as px
    >>> import polars as pl
    >>> rows = px.scan(b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n90,5,6,1\\n")
    >>> rows.filter(pl.col("t") >= pl.duration(microseconds=12), pl.col("p") == 1).collect().rows()
    [(datetime.timedelta(microseconds=90), 5, 6, 1)]
    """
    needed("polars")
    import polars
    from polars.io.plugins import register_io_source

    recordings = files_of(source)
    # What one query finds out of where times lie, the next one knows.
    options = _options(format, None, order, strict, geometry, mmap=mmap, chunk=chunk)
    with Reader(_native.Reader(recordings[0], options)) as reader:
        unit = reader.meta.time_unit
    schema: dict[str, Any] = {"t": polars.Duration(unit), "x": polars.UInt16, "y": polars.UInt16, "p": polars.UInt8}
    if include_file_paths:
        if include_file_paths in schema:
            raise _wrong(f"`include_file_paths` cannot be {include_file_paths!r}", "the events have such a column")
        schema[include_file_paths] = polars.String

    def frames(
        with_columns: list[str] | None, predicate: polars.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[polars.DataFrame]:
        # So many rows are meant before the filter: then nothing may be left out before they are counted.
        bounds = bounds_of(predicate) if n_rows is None else Bounds()
        left = n_rows
        for recording in recordings:
            if left == 0 or bounds.is_empty:
                return
            with _opened(recording, bounds, time, options) as reader:
                if reader.meta.time_unit != unit:
                    raise _wrong(
                        f"{recording!r} counts in {reader.meta.time_unit}, the first recording in {unit}",
                        "scan recordings of one unit together",
                    )
                for events in _kept(reader, bounds):
                    if left is not None:
                        events = events[:left]
                        left -= len(events)
                    frame = events.to_polars()
                    if include_file_paths:
                        name = os.fspath(recording) if not isinstance(recording, bytes) else None
                        frame = frame.with_columns(polars.lit(name, polars.String).alias(include_file_paths))
                    if predicate is not None:
                        frame = frame.filter(predicate)
                    yield frame.select(with_columns) if with_columns is not None else frame
                    if left == 0:
                        return

    return register_io_source(frames, schema=schema, is_pure=True)


def files_of(source: Sources) -> list[Source]:
    """The recordings that are meant, in a fixed order."""
    if isinstance(source, (bytes, os.PathLike)):
        return [source]
    if isinstance(source, str):
        if not any(letter in source for letter in "*?[") or os.path.exists(source):
            return [source]
        import glob

        found = sorted(path for path in glob.glob(source, recursive=True) if os.path.isfile(path))
        if not found:
            error = NotFoundError(f"no file matches {source}")
            error.message, error.context, error.hint = "no file matches", {"pattern": source}, "look at the pattern"
            raise error
        return list(found)
    files = [file for each in source for file in files_of(each)]
    if not files:
        raise _wrong("there are no recordings", "name one at least")
    return files


def _opened(recording: Source, bounds: Bounds, time: Any, options: _native.Options) -> Reader:
    """The recording, within the bounds of time where the caller named no other range."""
    return Reader(_native.Reader(recording, options.within(range_of(bounds) if time is None else range_text(time))))


def range_of(bounds: Bounds) -> str | None:
    """The bounds of time as a range of a reader."""
    low, high = bounds.t
    # A range has no negative times; what is left open is filtered afterwards.
    start = f"{int(low)}ns" if 0 < low < _LONGEST else ""
    stop = f"{int(high) + 1}ns" if 0 <= high < _LONGEST else ""
    return f"{start}..{stop}" if start or stop else None


_LONGEST = float(1 << 62)


def chain_of(bounds: Bounds) -> str | None:
    """The bounds of place and polarity as operators."""
    links = []
    (left, right), (top, bottom) = ((max(int(low), 0) if low > 0 else 0, min(high, 65_535.0)) for low, high in bounds[1:3])
    if left or top or right < 65_535 or bottom < 65_535:
        width, height = int(right) - left + 1, int(bottom) - top + 1
        if width > 0 and height > 0:
            links.append(f"region x={left} y={top} w={width} h={height}")
    low, high = bounds.polarity
    if low > 0:
        links.append("polarity keep=on")
    elif high < 1:
        links.append("polarity keep=off")
    return " ! ".join(links) or None


def _kept(reader: Reader, bounds: Bounds) -> Iterator[Events]:
    chain = chain_of(bounds)
    return iter(reader) if chain is None else reader._applied(Operator(chain), True)
