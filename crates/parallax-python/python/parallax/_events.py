"""Events: four columns that everybody looks into, and nobody copies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Literal, NamedTuple, cast, overload

from . import _native
from ._columns import columns_of, first_column, p_column, t_column, x_or_y_column
from ._errors import _wrong
from ._extras import needed
from ._meta import Meta, Report, TimeUnit, meta_of, pairs_of, report_of
from ._numpy import np
from ._operators import OperatorMethods, _types, apply
from ._progress import Progress, watching
from ._time import Time, is_time, ticks

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    import torch
    from numpy.typing import NDArray

    from ._picture import Picture

_INT16_LIMIT = 1 << 15


class Event(NamedTuple):
    """One event."""

    t: int
    """The time, in the stream's unit."""
    x: int
    """The column, counted to the right."""
    y: int
    """The row, counted downwards."""
    p: int
    """The polarity: 0 is OFF, 1 is ON."""


class Window(NamedTuple):
    """Which window of a stream some events are."""

    index: int  # type: ignore[assignment]
    """Which one, from 0; skipped windows count."""
    start: int | None
    """The time at which it starts, in the stream's unit; None for a window of events."""
    stop: int | None
    """The time at which it ends, which is not inside."""
    complete: bool
    """Whether the stream went on to the window's end."""


class Events(OperatorMethods):
    """Events of an event camera: the columns ``t``, ``x``, ``y``, ``p``, and the facts of their stream.

    They come from `read`, `Events.from_numpy`, `Events.from_arrow` or `Events.from_polars`, and do not change: every method
    gives new events, which share the memory where they can.

    Every operator that `operators` lists is a method.

    Examples
    --------
    >>> import parallax as px
    >>> events = px.sample()
    >>> len(events)
    1000
    >>> events.x.dtype, events.x.flags.writeable
    (dtype('uint16'), False)
    >>> events[10:20].t[0] == events.t[10]
    np.True_
    >>> len(events["+0":"+10ms"]), len(events[events.p == 1])
    (100, 500)
    """

    # All but the first are there once they were asked for: nothing is set that may never be.
    __slots__ = ("_batch", "_t", "_x", "_y", "_p", "_window", "__weakref__")
    _batch: _native.Batch
    _t: NDArray[np.int64]
    _x: NDArray[np.uint16]
    _y: NDArray[np.uint16]
    _p: NDArray[np.uint8]
    _window: Window

    def __init__(self, batch: _native.Batch) -> None:
        if type(batch) is not _native.Batch:
            raise TypeError("Events are made by read, Events.from_numpy, Events.from_arrow or Events.from_polars")
        self._batch = batch

    # The columns.

    @property
    def t(self) -> NDArray[np.int64]:
        """Times, int64, in the unit that `meta` states: a read-only view."""
        try:
            return self._t
        except AttributeError:
            self._t = np.asarray(self._batch.column("t"))
            return self._t

    @property
    def x(self) -> NDArray[np.uint16]:
        """Columns, uint16, counted to the right: a read-only view."""
        try:
            return self._x
        except AttributeError:
            self._x = np.asarray(self._batch.column("x"))
            return self._x

    @property
    def y(self) -> NDArray[np.uint16]:
        """Rows, uint16, counted downwards: a read-only view."""
        try:
            return self._y
        except AttributeError:
            self._y = np.asarray(self._batch.column("y"))
            return self._y

    @property
    def p(self) -> NDArray[np.uint8]:
        """Polarities, uint8, 0 is OFF and 1 is ON: a read-only view."""
        try:
            return self._p
        except AttributeError:
            self._p = np.asarray(self._batch.column("p"))
            return self._p

    def column(self, name: Literal["t", "x", "y", "p"]) -> _native.Memory:
        """A column as DLPack and NumPy see it, without a copy.

        Parameters
        ----------
        name : {"t", "x", "y", "p"}
            Which one.

        Returns
        -------
        Memory
            It has ``__dlpack__``, with the read-only flag. A consumer that cannot be told so refuses it: ask for a copy then, with
            ``copy=True``.

        Examples
        --------
        >>> import numpy as np
        >>> import parallax as px
        >>> np.from_dlpack(px.sample().column("t"))[:3]
        array([  0, 100, 200])
        """
        return self._batch.column(name)

    # Facts.

    @property
    def meta(self) -> Meta:
        """The facts of the stream."""
        return meta_of(self._batch.meta)

    @property
    def report(self) -> Report:
        """What was odd in the data when they were read; empty for events that were made otherwise."""
        return report_of(self._batch.findings)

    @property
    def format(self) -> str | None:
        """The id of the format that they were read from."""
        return self._batch.format

    @property
    def order(self) -> Literal["unknown", "time", "strict"]:
        """What is known of their order: nothing, that time never goes back, or that it is the canonical one."""
        return cast("Literal['unknown', 'time', 'strict']", self._batch.order)

    @property
    def window(self) -> Window | None:
        """Which window of the stream they are, if they came out of `by_time` or `by_count`."""
        return getattr(self, "_window", None)

    @property
    def seconds(self) -> float:
        """From the first event to the last."""
        span = self._batch.span
        if span is None:
            return 0.0
        return (span[1] - span[0]) / self.meta.ticks_per_second

    @property
    def nbytes(self) -> int:
        """How many bytes the columns take: 13 an event."""
        return 13 * len(self)

    def with_meta(self, **facts: Any) -> Events:
        """The same events under other facts, sharing the memory.

        Parameters
        ----------
        **facts
            Fields of `Meta`.

        Returns
        -------
        Events

        Examples
        --------
        >>> import parallax as px
        >>> px.sample().with_meta(sensor="mine").meta.sensor
        'mine'
        """
        return Events(self._batch.with_meta(pairs_of(self.meta._replace(**facts))))

    # Parts.

    def __len__(self) -> int:
        return len(self._batch)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice | NDArray[Any] | list[int] | list[bool]) -> Events: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._slice(index)
        if isinstance(index, (int, np.integer)) and not isinstance(index, (bool, np.bool_)):
            return Event(int(self.t[index]), int(self.x[index]), int(self.y[index]), int(self.p[index]))
        if isinstance(index, str):
            if index in ("t", "x", "y", "p"):
                return getattr(self, index)
            return self.column(index)  # type: ignore[arg-type]
        index = np.asarray(index)
        if index.ndim != 1 or (index.dtype.kind not in "biu" and index.size):
            raise _wrong(
                f"events cannot be picked by an array of {index.dtype} with {index.ndim} dimensions",
                "give a mask or indices in one dimension",
            )
        if not index.size and index.dtype.kind != "b":
            index = index.astype(np.intp)
        return self._of(self.t[index], self.x[index], self.y[index], self.p[index])

    def _slice(self, index: slice) -> Events:
        if is_time(index.start) or is_time(index.stop):
            if index.step is not None:
                raise _wrong("a slice of time cannot have a step", "leave it out")
            return self.between(index.start, index.stop)
        start, stop, step = index.indices(len(self))
        if step == 1:
            return Events(self._batch.slice(start, max(start, stop)))
        return self._of(self.t[index], self.x[index], self.y[index], self.p[index])

    def _of(self, t: NDArray[Any], x: NDArray[Any], y: NDArray[Any], p: NDArray[Any]) -> Events:
        """Events of these columns, whose types are right, under the same facts."""
        t, x, y, p = (np.ascontiguousarray(column) for column in (t, x, y, p))
        return Events(_native.Batch.from_arrays(t, x, y, p, self._batch.meta))

    def between(self, start: Time | None = None, stop: Time | None = None) -> Events:
        """The events with ``start <= t < stop``, sharing the memory: two binary searches.

        Parameters
        ----------
        start, stop : int, str or timedelta, optional
            Times: whole numbers in the stream's unit, or with a unit, as in ``"1.5s"``. Texts that begin with ``+`` count from the
            first event.

        Returns
        -------
        Events

        Raises
        ------
        ParamError
            If the events are not in order of time.

        Examples
        --------
        >>> import parallax as px
        >>> events = px.sample()
        >>> len(events.between("10ms", "20ms")), len(events.between(10_000, 20_000))
        (100, 100)
        >>> len(events.between("+0", "+5ms"))
        50
        """
        if any(isinstance(time, str) and time.lstrip().startswith("+") for time in (start, stop)):
            return Events(self._batch.time_range(f"{start or ''}..{stop or ''}"))
        unit = self.meta.time_unit
        return Events(
            self._batch.time_slice(
                None if start is None else ticks(start, unit, "start"),
                None if stop is None else ticks(stop, unit, "stop"),
            )
        )

    def sorted(self) -> Events:
        """The events in the canonical order: by t, then y, x, p; a scan if they are in that order already.

        Returns
        -------
        Events

        Examples
        --------
        >>> import parallax as px
        >>> px.sample()[::-1].sorted().equals(px.sample())
        True
        """
        return Events(self._batch.sorted())

    def by_time(
        self,
        length: Time,
        *,
        overlap: Time = 0,
        start: Time | None = None,
        incomplete: bool = False,
        skip_empty: bool = False,
    ) -> Iterator[Events]:
        """The windows of a length of time, one after another, sharing the memory.

        Parameters
        ----------
        length : int, str or timedelta
            How long a window is.
        overlap : int, str or timedelta, optional
            How long before the end of a window the next one starts.
        start : int, str or timedelta, optional
            Where window 0 starts; at the first event, if absent.
        incomplete : bool, default False
            Whether the window that the end of the stream cuts short is handed out.
        skip_empty : bool, default False
            Whether windows without events are passed over.

        Yields
        ------
        Events
            Their `window` says which one.

        Examples
        --------
        >>> import parallax as px
        >>> [len(window) for window in px.sample().by_time("25ms", incomplete=True)]
        [250, 250, 250, 250]
        """
        spec = time_spec(length, overlap, start, incomplete, skip_empty, self.meta.time_unit)
        return windows(self._batch.windows(spec))

    def by_count(self, count: int, *, overlap: int = 0, incomplete: bool = False) -> Iterator[Events]:
        """The windows of so many events, one after another, sharing the memory.

        Parameters
        ----------
        count : int
            How many events a window has.
        overlap : int, optional
            How many events of a window the next one has as well.
        incomplete : bool, default False
            Whether the last window is handed out if it has fewer.

        Yields
        ------
        Events

        Examples
        --------
        >>> import parallax as px
        >>> [len(window) for window in px.sample().by_count(300, incomplete=True)]
        [300, 300, 300, 100]
        """
        return windows(self._batch.windows(count_spec(count, overlap, incomplete)))

    def __iter__(self) -> Iterator[Event]:
        for start in range(0, len(self), 65_536):
            part = slice(start, start + 65_536)
            yield from map(
                Event, self.t[part].tolist(), self.x[part].tolist(), self.y[part].tolist(), self.p[part].tolist()
            )

    def apply(self, chain: str, /) -> Any:
        """Operators, written one after another, on these events.

        Parameters
        ----------
        chain : str
            As in ``"polarity keep=on ! frame"``.

        Returns
        -------
        Events or Tensor

        Examples
        --------
        >>> import parallax as px
        >>> px.sample().apply("polarity keep=on ! frame").shape
        (2, 48, 64)
        """
        return apply(chain, self)

    def equals(self, other: Events) -> bool:
        """Whether both have the same events in the same order under the same facts.

        Parameters
        ----------
        other : Events

        Returns
        -------
        bool

        Examples
        --------
        >>> import parallax as px
        >>> px.sample().equals(px.sample())
        True
        """
        return self._batch.equals(other._batch)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Events):
            return NotImplemented
        return self.equals(other)

    __hash__ = None  # type: ignore[assignment]

    # To others.

    def to_numpy(self) -> NDArray[np.void]:
        """The events as a structured array, copied: the fields t, x, y, p, 13 bytes an event.

        Returns
        -------
        numpy.ndarray

        Examples
        --------
        >>> import parallax as px
        >>> px.sample().to_numpy().dtype.names
        ('t', 'x', 'y', 'p')
        """
        records = np.empty(len(self), [("t", np.int64), ("x", np.uint16), ("y", np.uint16), ("p", np.uint8)])
        for name in ("t", "x", "y", "p"):
            records[name] = getattr(self, name)
        return records

    def to_arrow(self) -> pyarrow.Table:
        """The events as a table of pyarrow, over the same memory.

        Returns
        -------
        pyarrow.Table
        """
        needed("pyarrow")
        import pyarrow

        return pyarrow.table(self)

    def to_polars(self) -> polars.DataFrame:
        """The events as a data frame of Polars, over the same memory.

        Returns
        -------
        polars.DataFrame
        """
        needed("polars")
        import polars

        try:
            return polars.DataFrame(self)
        except TypeError:
            # Before 1.3 it did not take what speaks Arrow's interface, and needs pyarrow for it.
            return polars.from_arrow(self.to_arrow())  # type: ignore[return-value]

    def to_pandas(self) -> pandas.DataFrame:
        """The events as a data frame of pandas, over the same memory where pandas allows it.

        Returns
        -------
        pandas.DataFrame
            ``t`` is a timedelta.
        """
        needed("pandas")
        import pandas

        t = self.t.view(f"timedelta64[{self.meta.time_unit}]")
        return pandas.DataFrame({"t": t, "x": self.x, "y": self.y, "p": self.p}, copy=False)

    def to_torch(self, *, copy: bool = False) -> dict[str, torch.Tensor]:
        """The columns as tensors of PyTorch, over the same memory.

        Parameters
        ----------
        copy : bool, default False
            Whether the tensors get memory of their own. PyTorch knows no read-only tensors: do not write to one that shares
            its memory with the events.

        Returns
        -------
        dict of str to torch.Tensor
            ``t`` int64, ``p`` uint8; ``x`` and ``y`` int16 where they fit, and int32, copied, where they do not.
        """
        import warnings

        needed("torch")
        import torch

        tensors = {}
        for name in ("t", "x", "y", "p"):
            column = getattr(self, name)
            if name in ("x", "y"):
                fits = not column.size or int(column.max()) < _INT16_LIMIT
                column = column.view(np.int16) if fits else column.astype(np.int32)
            with warnings.catch_warnings():
                # It says that the array is read-only: so does the documentation above.
                warnings.filterwarnings("ignore", message="The given NumPy array is not writ")
                tensor = torch.from_numpy(column)
            tensors[name] = tensor.clone() if copy else tensor
        return tensors

    def __arrow_c_schema__(self) -> Any:
        return self._batch.arrow_schema()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        # The interface lets a producer give what it has.
        return self._batch.arrow_stream()

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        overwrite: bool = False,
        progress: Progress = None,
    ) -> None:
        """Writes the events to a file, which appears when it is whole.

        Parameters
        ----------
        path : str or path
            The file.
        format : str, optional
            The format, as ``"id"`` or ``"id key=value .."``; by the extension if absent.
        overwrite : bool, default False
            Whether a file that exists is replaced.
        progress : bool or callable, optional
            See `read`.

        Examples
        --------
        >>> import parallax as px, tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "events.parquet")
        ...     px.sample().write(path)
        ...     len(px.read(path))
        1000
        """
        with watching(progress, "write", "ev") as call:
            _native.write(self._batch, path, format=format, overwrite=overwrite, progress=call)

    def plot(self, *, widest: int = 640, brightness: float | None = None) -> Picture:
        """A picture of where the events are: ON red, OFF blue, on white.

        Parameters
        ----------
        widest : int, default 640
            The most pixels across; of a larger sensor several pixels are one.
        brightness : float, optional
            How many events of a pixel are drawn in full colour; so that few pixels have more, if absent.

        Returns
        -------
        Picture
            Notebooks show it; `Picture.save` writes a PNG.

        Examples
        --------
        >>> import parallax as px
        >>> px.sample().plot().pixels.shape
        (192, 256, 3)
        """
        from ._picture import plot

        return plot(self, widest=widest, brightness=brightness)

    # From others.

    @classmethod
    def from_numpy(
        cls,
        t: Any,
        x: Any = None,
        y: Any = None,
        p: Any = None,
        *,
        meta: Meta | None = None,
        width: int | None = None,
        height: int | None = None,
        time_unit: TimeUnit | None = None,
        copy: bool = False,
    ) -> Events:
        """Events of NumPy arrays; without a copy where they are contiguous and have the types of the columns.

        Parameters
        ----------
        t : array_like
            Times, or one structured array (or a dict) that has all four columns.
        x, y, p : array_like
            Columns, rows, and polarities: 0 and 1, -1 and 1, or booleans.
        meta : Meta, optional
            The facts of the stream.
        width, height : int, optional
            The sensor's size.
        time_unit : {"us", "ms", "ns"}, optional
            The unit of ``t``, if it has none of its own.
        copy : bool, default False
            Whether the columns are copied in any case. Without a copy, do not write to the arrays afterwards: the events are
            the same memory.

        Returns
        -------
        Events

        Raises
        ------
        MalformedError
            If a value does not fit, naming the column, the event and the value.

        Examples
        --------
        >>> import numpy as np
        >>> import parallax as px
        >>> t = np.array([5, 7])
        >>> events = px.Events.from_numpy(t, [3, 0], [1, 1], [True, False], width=4, height=2)
        >>> events.t.ctypes.data == t.ctypes.data
        True
        >>> events[1]
        Event(t=7, x=0, y=1, p=0)
        """
        if x is None and y is None and p is None:
            t, x, y, p = columns_of(t)
        times, unit = t_column(t)
        facts = meta or Meta()
        unit = unit or time_unit or facts.time_unit
        facts = facts._replace(time_unit=unit)
        if width is not None or height is not None:
            facts = facts._replace(width=width, height=height)
        x, y, p = x_or_y_column(x, "x"), x_or_y_column(y, "y"), p_column(p)
        if copy:
            times, x, y, p = times.copy(), x.copy(), y.copy(), p.copy()
        return cls(_native.Batch.from_arrays(times, x, y, p, pairs_of(facts)))

    @classmethod
    def from_arrow(cls, table: Any, *, meta: Meta | None = None) -> Events:
        """Events of anything that speaks Arrow's PyCapsule interface; without a copy where the types are those of the columns.

        Parameters
        ----------
        table : object
            With ``__arrow_c_stream__`` or ``__arrow_c_array__``, and the columns t, x, y, p: a table or a record batch of pyarrow, a
            data frame of Polars, a relation of DuckDB. What comes in several pieces is copied together.
        meta : Meta, optional
            The facts of the stream, instead of those in the schema's metadata.

        Returns
        -------
        Events

        Examples
        --------
        >>> import parallax as px
        >>> px.Events.from_arrow(px.sample()).equals(px.sample())
        True
        """
        facts = None if meta is None else pairs_of(meta)
        return cls(_native.Batch.from_arrow(first_column(table), facts))

    @classmethod
    def from_polars(cls, frame: polars.DataFrame, *, meta: Meta | None = None) -> Events:
        """Events of a data frame of Polars; without a copy where its columns have our types and are in one piece.

        Parameters
        ----------
        frame : polars.DataFrame
            With the columns t, x, y, p.
        meta : Meta, optional
            The facts of the stream, which Polars does not keep.

        Returns
        -------
        Events
        """
        frame = frame.select("t", "x", "y", "p").rechunk()
        return cls.from_arrow(frame if hasattr(frame, "__arrow_c_stream__") else frame.to_arrow(), meta=meta)

    # For people, and for other processes.

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.t, self.x, self.y, self.p, self._batch.meta)

    def __copy__(self) -> Events:
        return self

    def __deepcopy__(self, _: Any) -> Events:
        return self

    def __repr__(self) -> str:
        from ._picture import described

        return "Events(" + ", ".join(f"{name}: {value}" for name, value in described(self)) + ")"

    def _repr_html_(self) -> str:
        from ._picture import as_html

        return as_html(self)


_types.events = Events


def _rebuild(t: Any, x: Any, y: Any, p: Any, meta: list[tuple[str, str]]) -> Events:
    return Events(_native.Batch.from_arrays(t, x, y, p, meta))


def concat(parts: Iterable[Events], /) -> Events:
    """All events, one part after another, in new memory. The facts are those of the first.

    Parameters
    ----------
    parts : iterable of Events
        Of one unit, origin and geometry.

    Returns
    -------
    Events

    Examples
    --------
    >>> import parallax as px
    >>> events = px.sample()
    >>> px.concat([events[:400], events[400:]]).equals(events)
    True
    """
    return Events(_native.Batch.concat([part._batch for part in parts]))


def windows(reader: _native.WindowReader) -> Iterator[Events]:
    """The windows that a reader gives."""
    while (row := reader.next()) is not None:
        index, time, complete, batch = row
        events = Events(batch)
        start, stop = time or (None, None)
        events._window = Window(index, start, stop, complete)
        yield events


def time_spec(
    length: Time, overlap: Time, start: Time | None, incomplete: bool, skip_empty: bool, unit: TimeUnit
) -> dict[str, Any]:
    """Windows of time, as the native half takes them."""
    return {
        "length": ticks(length, unit, "length"),
        "count": None,
        "overlap": ticks(overlap, unit, "overlap"),
        "start": None if start is None else ticks(start, unit, "start"),
        "include_incomplete": incomplete,
        "skip_empty": skip_empty,
    }


def count_spec(count: int, overlap: int, incomplete: bool) -> dict[str, Any]:
    """Windows of events, as the native half takes them."""
    if count < 1:
        raise _wrong(f"`count` cannot be {count}", "a window has at least 1 event")
    return {
        "length": None,
        "count": count,
        "overlap": overlap,
        "start": None,
        "include_incomplete": incomplete,
        "skip_empty": False,
    }

