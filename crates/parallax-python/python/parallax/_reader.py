"""Reading and writing files: whole, in batches, in windows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, AsyncIterator, Iterator, Literal, Union

from . import _native
from ._events import Events, count_spec, time_spec, windows
from ._meta import Format, Info, Meta, Param, Report, meta_of, report_of
from ._operators import Operator, as_events
from ._progress import Progress, watching
from ._tensor import Tensor
from ._time import Time, range_text, ticks

if TYPE_CHECKING:
    from types import TracebackType

Source = Union[str, "os.PathLike[str]", bytes]
"""The path of a recording, or its bytes."""


def _options(
    format: str | None,
    time: Any,
    order: str,
    strict: bool,
    geometry: tuple[int, int] | str | None,
    **others: Any,
) -> _native.Options:
    if isinstance(geometry, str):
        width, _, height = geometry.lower().partition("x")
        geometry = (int(width), int(height))
    return _native.Options(
        format=format, time=range_text(time), order=order, strict=strict, geometry=geometry, **others
    )


def read(
    source: Source,
    *,
    format: str | None = None,
    time: str | tuple[Any, Any] | None = None,
    order: Literal["keep", "strict", "check"] = "keep",
    strict: bool = False,
    geometry: tuple[int, int] | str | None = None,
    mmap: bool = True,
    max_events: int | None = None,
    progress: Progress = None,
) -> Events:
    """Reads a whole recording.

    Parameters
    ----------
    source : str, path or bytes
        The file, or its content.
    format : str, optional
        The format, as ``"id"`` or ``"id key=value .."``; recognised if absent. `formats` lists them.
    time : str or tuple, optional
        Only the events in this half-open range: ``"1s..2s"`` is recorded time, ``"+0..+100ms"`` counts from the first event; or a
        pair of times with units.
    order : {"keep", "strict", "check"}, default "keep"
        Keep the recorded order, sort into the canonical one (t, y, x, p), or fail if it is another.
    strict : bool, default False
        Whether the first fault of the data is an error. Else it is in the `Events.report`.
    geometry : tuple of int, or str, optional
        The sensor's size, as ``(640, 480)`` or ``"640x480"``, where the input does not state it.
    mmap : bool, default True
        Whether the file may be mapped into memory.
    max_events : int, optional
        An error of kind ``"limit"`` if there are more.
    progress : bool or callable, optional
        Reading that takes over a second shows a bar, if tqdm is installed and somebody looks; True and False say whether. A
        function is called with (bytes done, bytes in all).

    Returns
    -------
    Events

    Raises
    ------
    ParallaxError
        One of its kinds. The error of a damaged file has what was readable in its ``events``.

    Examples
    --------
    >>> import parallax as px
    >>> events = px.read(b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n", format="csv")
    >>> events.t
    array([10, 12])
    """
    options = _options(format, time, order, strict, geometry, mmap=mmap, max_events=max_events)
    with watching(progress, "read", "B") as call:
        return Events(_native.read(source, options, call))


def info(
    source: Source,
    *,
    format: str | None = None,
    time: str | tuple[Any, Any] | None = None,
    strict: bool = False,
    geometry: tuple[int, int] | str | None = None,
    progress: Progress = None,
) -> Info:
    """Looks through a recording, in constant memory: what it is, how many events, when, what is odd.

    Parameters
    ----------
    source, format, time, strict, geometry, progress
        As for `read`.

    Returns
    -------
    Info

    Examples
    --------
    >>> import parallax as px
    >>> found = px.info(b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n")
    >>> found.format, found.events, found.on_events, found.start, found.stop
    ('csv', 2, 1, 10, 12)
    """
    options = _options(format, time, "keep", strict, geometry)
    with watching(progress, "info", "B") as call:
        row = _native.info(source, options, call)
    (id, evidence), meta, (events, on), span, size, findings = row
    start, stop = span or (None, None)
    return Info(id, evidence, meta_of(meta), events, on, start, stop, size, report_of(findings))


def write(
    events: Any,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    overwrite: bool = False,
    progress: Progress = None,
) -> None:
    """Writes events to a file, which appears when it is whole.

    Parameters
    ----------
    events : Events
        Or a structured array, or an Arrow table.
    path : str or path
        The file.
    format : str, optional
        The format, as ``"id"`` or ``"id key=value .."``; by the extension if absent.
    overwrite : bool, default False
        Whether a file that exists is replaced.
    progress : bool or callable, optional
        See `read`; a function is called with (events done, events in all).

    Examples
    --------
    >>> import parallax as px, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "events.raw")
    ...     px.write(px.sample(), path, format="evt2")
    ...     px.read(path).t.sum() == px.sample().t.sum()
    np.True_
    """
    as_events(events).write(path, format=format, overwrite=overwrite, progress=progress)


def convert(
    source: Source,
    path: str | os.PathLike[str],
    *,
    to: str | None = None,
    overwrite: bool = False,
    format: str | None = None,
    time: str | tuple[Any, Any] | None = None,
    order: Literal["keep", "strict", "check"] = "keep",
    strict: bool = False,
    geometry: tuple[int, int] | str | None = None,
    progress: Progress = None,
) -> int:
    """Writes a recording in another format, in constant memory. The file appears when it is whole.

    Parameters
    ----------
    source : str, path or bytes
        The recording.
    path : str or path
        The file to make.
    to : str, optional
        Its format, as ``"id"`` or ``"id key=value .."``; by the extension if absent.
    overwrite : bool, default False
        Whether a file that exists is replaced.
    format, time, order, strict, geometry, progress
        As for `read`: they are about the source.

    Returns
    -------
    int
        How many events were written.

    Examples
    --------
    >>> import parallax as px, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "events.arrow")
    ...     px.convert(b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n", path)
    2
    """
    options = _options(format, time, order, strict, geometry)
    with watching(progress, "convert", "B") as call:
        events, *_ = _native.convert(source, path, options, format=to, overwrite=overwrite, progress=call)
    return events


def formats() -> list[Format]:
    """Every file format, as it declares itself.

    Returns
    -------
    list of Format

    Examples
    --------
    >>> import parallax as px
    >>> [format.extensions for format in px.formats() if format.id == "parquet"]
    [['parquet', 'pq']]
    """
    return [Format(**{**row, "params": [Param(**param) for param in row["params"]]}) for row in _native.formats()]


class Reader:
    """A recording that is read bit by bit, in constant memory. Iterating gives batches; made by `open`.

    Examples
    --------
    >>> import parallax as px
    >>> with px.open(b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n90,5,6,0\\n") as reader:
    ...     print([len(window) for window in reader.by_time(50, incomplete=True)])
    [2, 1]
    """

    __slots__ = ("_reader",)

    def __init__(self, reader: _native.Reader) -> None:
        self._reader: _native.Reader | None = reader

    @property
    def _open(self) -> _native.Reader:
        if self._reader is None:
            raise ValueError("the reader is closed")
        return self._reader

    @property
    def format(self) -> str:
        """The id of the format."""
        return self._open.format

    @property
    def evidence(self) -> str:
        """How the format was recognised."""
        return self._open.evidence

    @property
    def confidence(self) -> float:
        """How sure it is that this is the format, from 0 to 1: 0.9 and above by a magic number or a header, 0.5 and above by
        content, below that by the extension alone."""
        return self._open.score / 100

    @property
    def meta(self) -> Meta:
        """The facts of the stream."""
        return meta_of(self._open.meta)

    @property
    def report(self) -> Report:
        """What was odd in what has been read so far."""
        return report_of(self._open.findings)

    @property
    def progress(self) -> tuple[int, int | None, int]:
        """Bytes behind us, bytes in all if known, events handed out."""
        return self._open.progress

    def __iter__(self) -> Iterator[Events]:
        while (batch := self._open.next()) is not None:
            yield Events(batch)

    async def __aiter__(self) -> AsyncIterator[Events]:
        import asyncio

        # On a thread of the loop's own pool: other tasks go on while it reads.
        loop = asyncio.get_running_loop()
        while (batch := await loop.run_in_executor(None, self._open.next)) is not None:
            yield Events(batch)

    def by_time(
        self,
        length: Time,
        *,
        overlap: Time = 0,
        start: Time | None = None,
        incomplete: bool = False,
        skip_empty: bool = False,
    ) -> Windows:
        """The windows of a length of time of what is left, one after another.

        Parameters
        ----------
        length, overlap, start, incomplete, skip_empty
            As for `Events.by_time`.

        Returns
        -------
        Windows
            To be iterated over, also with ``async for``.

        Raises
        ------
        ParamError
            If time goes back in the recording: read it with ``order="strict"`` then.
        """
        spec = time_spec(length, overlap, start, incomplete, skip_empty, self.meta.time_unit)
        return Windows(self._open.windows(spec))

    def by_count(self, count: int, *, overlap: int = 0, incomplete: bool = False) -> Windows:
        """The windows of so many events of what is left, one after another.

        Parameters
        ----------
        count, overlap, incomplete
            As for `Events.by_count`.

        Returns
        -------
        Windows
            To be iterated over, also with ``async for``.
        """
        return Windows(self._open.windows(count_spec(count, overlap, incomplete)))

    def apply(self, chain: str | Operator, /) -> Iterator[Any]:
        """Operators on what is left, batch by batch, in constant memory: what they remember goes on from one to the next.

        Parameters
        ----------
        chain : str or Operator
            As in ``"polarity keep=on ! frame window=50ms"``.

        Yields
        ------
        Events or Tensor
            Events as they leave, in batches of no fixed size; or a tensor for each window, or one for all.

        Examples
        --------
        >>> import parallax as px
        >>> reader = px.open(b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n90,5,6,0\\n", geometry=(8, 8))
        >>> [counts.numpy().sum() for counts in reader.apply("frame window=50us incomplete=true")]
        [np.int64(2), np.int64(1)]
        """
        return self._applied(Operator(chain) if isinstance(chain, str) else chain, False)

    def _applied(self, operator: Operator, exact: bool) -> Iterator[Any]:
        run = None
        while (batch := self._open.next()) is not None:
            run = run or operator._chain.start(batch, exact)
            yield from _made(run.push(batch))
        if run is not None:
            yield from _made(run.end())

    def between(self, start: Time | None = None, stop: Time | None = None) -> Reader:
        """The same recording from its start, only the events with ``start <= t < stop``.

        Parameters
        ----------
        start, stop : int, str or timedelta, optional
            As for `Events.between`.

        Returns
        -------
        Reader

        Examples
        --------
        >>> import parallax as px
        >>> reader = px.open(b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n90,5,6,0\\n").between(12, 90)
        >>> [batch.t.tolist() for batch in reader]
        [[12]]
        """
        if any(isinstance(time, str) and time.lstrip().startswith("+") for time in (start, stop)):
            return Reader(self._open.in_range(f"{start or ''}..{stop or ''}"))
        unit = self.meta.time_unit
        return Reader(
            self._open.between(
                None if start is None else ticks(start, unit, "start"),
                None if stop is None else ticks(stop, unit, "stop"),
            )
        )

    def close(self) -> None:
        """Lets go of the file."""
        self._reader = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._reader is None:
            return "Reader(closed)"
        meta = self.meta
        size = "unknown" if meta.geometry is None else f"{meta.width}x{meta.height}"
        return f"Reader(format: {self.format}, size: {size}, unit: {meta.time_unit})"


def _made(made: tuple[_native.Batch | None, list[Any]]) -> Iterator[Any]:
    batch, rows = made
    if batch is not None and len(batch):
        yield Events(batch)
    for row in rows:
        yield Tensor(*row)


class Windows:
    """The windows of a recording, one after another: `Events` whose `Events.window` says which one."""

    __slots__ = ("_reader",)

    def __init__(self, reader: _native.WindowReader) -> None:
        self._reader = reader

    def __iter__(self) -> Iterator[Events]:
        return windows(self._reader)

    async def __aiter__(self) -> AsyncIterator[Events]:
        import asyncio

        loop = asyncio.get_running_loop()
        each = windows(self._reader)
        while (window := await loop.run_in_executor(None, next, each, None)) is not None:
            yield window


def open(
    source: Source,
    *,
    format: str | None = None,
    time: str | tuple[Any, Any] | None = None,
    order: Literal["keep", "strict", "check"] = "keep",
    strict: bool = False,
    geometry: tuple[int, int] | str | None = None,
    mmap: bool = True,
    chunk: int | None = None,
    memory_limit: int | None = None,
    max_events: int | None = None,
) -> Reader:
    """Opens a recording that is to be read bit by bit.

    Parameters
    ----------
    source, format, time, order, strict, geometry, mmap, max_events
        As for `read`. Sorting (``order="strict"``) needs all events in memory.
    chunk : int, optional
        The most events in one batch, at most 1,048,576, which is the default.
    memory_limit : int, optional
        The most bytes that one batch may take; can only make batches smaller.

    Returns
    -------
    Reader

    Examples
    --------
    >>> import parallax as px
    >>> sum(len(batch) for batch in px.open(b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n", chunk=1))
    2
    """
    options = _options(
        format,
        time,
        order,
        strict,
        geometry,
        mmap=mmap,
        chunk=chunk,
        memory_limit=memory_limit,
        max_events=max_events,
    )
    return Reader(_native.Reader(source, options))
