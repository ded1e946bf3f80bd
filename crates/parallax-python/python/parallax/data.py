"""Data sets for training: windows of recordings by index or as a stream, and batches with padding. NumPy alone; JAX takes these
arrays as they are, `parallax.torch` is the same for PyTorch.

Examples
--------
>>> import parallax as px
>>> from parallax.data import WindowDataset, collate
>>> import pathlib, tempfile
>>> folder = tempfile.TemporaryDirectory()
>>> path = pathlib.Path(folder.name, "events.raw")
>>> px.sample().write(path, format="evt3")
>>> windows = WindowDataset([path], length="25ms", transform=px.frame(), labels=[3])
>>> len(windows), windows[0]
(3, (Tensor(int32, polarity=2, y=48, x=64), 3))
>>> frames, labels = collate([windows[0], windows[1]])
>>> frames.shape, labels
((2, 2, 48, 64), array([3, 3]))
>>> folder.cleanup()
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Callable, Iterator, NamedTuple, Sequence

import numpy as np

from ._errors import _wrong
from ._events import Events
from ._reader import Source, read
from ._reader import open as open_recording
from ._scan import Sources, files_of
from ._tensor import Tensor
from ._time import Time, ticks

__all__ = ["Padded", "StreamDataset", "WindowDataset", "collate"]


class WindowDataset:
    """Windows of recordings by index: map-style, as PyTorch calls it.

    Each recording is read once to find its windows, and the last few stay in memory, so that windows are slices of them without a
    copy. It pickles without what it read, for worker processes.

    Parameters
    ----------
    recordings : str, path, bytes, or several of these
        A text with ``*``, ``?`` or ``[`` is a pattern of paths.
    length : int, str or timedelta, optional
        How long a window is. Either this or `count`; without both, a recording is one sample.
    count : int, optional
        How many events a window has.
    overlap : int, str or timedelta, default 0
        Of neighbouring windows: a length of time, or a number of events.
    incomplete : bool, default False
        Whether the window that the end of a recording cuts short is a sample.
    transform : callable, optional
        What becomes of a window's events: an operator, `Compose`, or a function.
    labels : sequence or callable, optional
        One for each recording, or a function of (recording, events). Samples are then pairs.
    cache : int, default 2
        How many recordings stay in memory.
    **options
        As for `read`. ``order="strict"`` where time goes back.
    """

    def __init__(
        self,
        recordings: Sources,
        *,
        length: Time | None = None,
        count: int | None = None,
        overlap: Time = 0,
        incomplete: bool = False,
        transform: Callable[[Events], Any] | None = None,
        labels: Sequence[Any] | Callable[[Source, Events], Any] | None = None,
        cache: int = 2,
        **options: Any,
    ) -> None:
        self.recordings = files_of(recordings)
        self.transform = transform
        self.labels = _checked_labels(labels, self.recordings)
        self._options = options
        self._cache_size = max(cache, 1)
        self._forget()
        self._bounds = []
        for index in range(len(self.recordings)):
            self._bounds.append(_windows(self._recording(index), length, count, overlap, incomplete))
        self._ends = np.cumsum([len(bounds) for bounds in self._bounds])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Any:
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        recording = int(np.searchsorted(self._ends, place, side="right"))
        start, stop = self._bounds[recording][place - int(self._ends[recording])]
        events = self._recording(recording)[int(start) : int(stop)]
        return _sample(events, self.recordings[recording], recording, self.transform, self.labels)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def _recording(self, index: int) -> Events:
        with self._lock:
            events = self._cache.pop(index, None)
            if events is None:
                events = read(self.recordings[index], progress=False, **self._options)
            self._cache[index] = events
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
            return events

    def _forget(self) -> None:
        self._cache: OrderedDict[int, Events] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_cache", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()


class StreamDataset:
    """Windows of recordings, one after another, in constant memory: iterable, as PyTorch calls it.

    Parameters
    ----------
    recordings, length, count, overlap, incomplete, transform, labels
        As for `WindowDataset`; without `length` and `count`, samples are batches as they are read.
    shard : tuple of int, default (0, 1)
        (index, count): only every count-th recording, from this one on; so that workers share the work.
    **options
        As for `open`.

    Examples
    --------
    >>> import parallax as px
    >>> from parallax.data import StreamDataset
    >>> rows = b"t,x,y,p\\n10,3,4,1\\n12,5,6,0\\n90,5,6,1\\n"
    >>> [events.t.tolist() for events in StreamDataset([rows, rows], count=2, incomplete=True)]
    [[10, 12], [90], [10, 12], [90]]
    """

    def __init__(
        self,
        recordings: Sources,
        *,
        length: Time | None = None,
        count: int | None = None,
        overlap: Time = 0,
        incomplete: bool = False,
        transform: Callable[[Events], Any] | None = None,
        labels: Sequence[Any] | Callable[[Source, Events], Any] | None = None,
        shard: tuple[int, int] = (0, 1),
        **options: Any,
    ) -> None:
        _one_cut(length, count)
        if not 0 <= shard[0] < shard[1]:
            raise _wrong(f"`shard` cannot be {shard}", "it is (index, count) with index below count")
        self.recordings = files_of(recordings)
        self.transform = transform
        self.labels = _checked_labels(labels, self.recordings)
        self.shard = shard
        self._cut = length, count, overlap, incomplete
        self._options = options

    def __iter__(self) -> Iterator[Any]:
        return self.of_shard(*self.shard)

    def of_shard(self, index: int, count: int) -> Iterator[Any]:
        """The samples of every `count`-th recording, from `index` on.

        Parameters
        ----------
        index, count : int

        Yields
        ------
        object
            Samples.
        """
        for number in range(index, len(self.recordings), count):
            recording = self.recordings[number]
            with open_recording(recording, **self._options) as reader:
                length, events_each, overlap, incomplete = self._cut
                parts: Any = reader
                if length is not None:
                    parts = reader.by_time(length, overlap=overlap, incomplete=incomplete)
                elif events_each is not None:
                    parts = reader.by_count(events_each, overlap=_count(overlap), incomplete=incomplete)
                for events in parts:
                    yield _sample(events, recording, number, self.transform, self.labels)


_MOST_INT16 = 32_767


class Padded(NamedTuple):
    """Samples of different lengths in one array."""

    values: Any
    """(sample, longest, ..): what is behind a sample's own length is padding. A dict of columns for events."""
    lengths: Any
    """(sample,): how long each is, int64."""


def collate(samples: Sequence[Any], *, pad: float = 0) -> Any:
    """A batch of samples: arrays and tensors of one shape are stacked, others and events are padded at their end.

    Parameters
    ----------
    samples : sequence
        Events, tensors, arrays, numbers, or tuples and dicts of these.
    pad : float, default 0
        What stands behind a shorter sample.

    Returns
    -------
    numpy.ndarray, Padded, tuple or dict
        `Padded` of events has a dict of ``t, x, y, p``.

    Examples
    --------
    >>> import parallax as px
    >>> from parallax.data import collate
    >>> batch = collate([px.sample(3), px.sample(5)], pad=-1)
    >>> batch.lengths, batch.values["t"]
    (array([3, 5]), array([[  0, 100, 200,  -1,  -1],
           [  0, 100, 200, 300, 400]]))
    """
    if not samples:
        raise _wrong("there are no samples", "a batch has one at least")
    first = samples[0]
    if isinstance(first, Events):
        columns = {name: [getattr(events, name) for events in samples] for name in ("t", "x", "y", "p")}
        # int16 holds every pixel of every sensor there is, and a padding of -1; others get 32 bits.
        kinds: dict[str, Any] = {name: np.int64 if name == "t" else np.int16 for name in columns}
        for name in ("x", "y"):
            if any(column.size and column.max() > _MOST_INT16 for column in columns[name]):
                kinds[name] = np.int32
        padded = {name: _padded([c.astype(kinds[name], copy=False) for c in columns[name]], pad) for name in columns}
        return Padded({name: made.values for name, made in padded.items()}, padded["t"].lengths)
    if isinstance(first, dict):
        return {name: collate([sample[name] for sample in samples], pad=pad) for name in first}
    if isinstance(first, (tuple, list)) and not isinstance(first, Tensor):
        return tuple(collate(list(values), pad=pad) for values in zip(*samples))
    arrays = [np.asarray(sample) for sample in samples]
    if all(array.shape == arrays[0].shape for array in arrays):
        return np.stack(arrays)
    return _padded(arrays, pad)


def _padded(arrays: list[Any], pad: float) -> Padded:
    shapes = {array.shape[1:] for array in arrays if array.ndim}
    if len(shapes) != 1 or any(array.ndim == 0 for array in arrays):
        raise _wrong(
            f"samples of the shapes {[array.shape for array in arrays]} do not fit together",
            "they may differ in their first axis alone",
        )
    lengths = np.array([len(array) for array in arrays], np.int64)
    values = np.full((len(arrays), int(lengths.max()), *shapes.pop()), pad, np.result_type(*arrays))
    for place, array in zip(values, arrays):
        place[: len(array)] = array
    return Padded(values, lengths)


def _sample(events: Events, recording: Source, number: int, transform: Any, labels: Any) -> Any:
    made = events if transform is None else transform(events)
    if labels is None:
        return made
    return made, labels(recording, events) if callable(labels) else labels[number]


def _checked_labels(labels: Any, recordings: list[Source]) -> Any:
    if labels is not None and not callable(labels) and len(labels) != len(recordings):
        raise _wrong(f"there are {len(labels)} labels and {len(recordings)} recordings", "give one label each")
    return labels


def _one_cut(length: Any, count: Any) -> None:
    if length is not None and count is not None:
        raise _wrong("there are both `length` and `count`", "windows are cut by one of them")


def _count(overlap: Any) -> int:
    if isinstance(overlap, (int, np.integer)) and overlap >= 0:
        return int(overlap)
    raise _wrong(f"`overlap` cannot be {overlap!r}", "windows of so many events overlap by a number of events")


def _windows(events: Events, length: Any, count: Any, overlap: Any, incomplete: bool) -> Any:
    """Where the windows of a recording begin and end: an array (window, 2)."""
    _one_cut(length, count)
    t, total = events.t, len(events)
    if length is None and count is None:
        return np.array([[0, total]])
    if not total:
        return np.empty((0, 2), np.int64)
    if count is not None:
        step = int(count) - _count(overlap)
        if count < 1 or step < 1:
            raise _wrong(f"windows of {count} events cannot overlap by {overlap}", "by fewer than they have")
        starts = np.arange(0, total if incomplete else total - count + 1, step)
        if incomplete:
            # As the reader counts: a window that has nothing new is none.
            starts = starts[(starts == 0) | (starts + _count(overlap) < total)]
        return np.stack([starts, np.minimum(starts + count, total)], axis=1)
    unit = events.meta.time_unit
    span, step = ticks(length, unit, "length"), ticks(length, unit, "length") - ticks(overlap, unit, "overlap")
    if span < 1 or step < 1:
        raise _wrong(f"windows of {length!r} cannot overlap by {overlap!r}", "by less than they are long")
    if events.order == "unknown":
        raise _wrong("time goes back in the recording", 'read it with order="strict"')
    first, last = int(t[0]), int(t[-1])
    starts = np.arange(first, last + 1 if incomplete else last - span + 1, step, dtype=np.int64)
    if incomplete:
        starts = starts[(starts == first) | (starts + (span - step) <= last)]
    return np.stack([np.searchsorted(t, starts), np.searchsorted(t, starts + span)], axis=1)
