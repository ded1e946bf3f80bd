"""When a recording passes in chunks, how large they are, and what either way costs."""

from __future__ import annotations

import builtins
import os
import time
import warnings
from typing import Any, NamedTuple

from .._reader import open

STREAMING_THRESHOLD = 5_000_000
"""Recordings of more events than this pass in chunks."""

_SAMPLE = 1 << 16
_LARGEST = 1 << 20
_SMALLEST = 1 << 13
# Two chunks are decoded and held, and what operators make of one.
_BYTES_AN_EVENT = 3 * 13
# At once: the table, and for a moment its polarities twice. More events than this, and those alone are 200 MB.
_BYTES_AT_ONCE = 14
_MOST_AT_ONCE = 200_000_000


def expected_events(path: str, format: str | None = None) -> int:
    """About how many events a recording has: from how many the first bytes of it hold."""
    size = os.path.getsize(path)
    with open(path, format=format, chunk=_SAMPLE) as reader:
        for batch in reader:
            bytes_read, _, _ = reader.progress
            if len(batch) < _SAMPLE or bytes_read >= size:
                return len(batch)
            return len(batch) * size // max(bytes_read, 1)
    return 0


def free_memory() -> int | None:
    """Bytes of memory that are free for new data; None where the system does not say."""
    try:
        with builtins.open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def limit_of(memory_limit_mb: float | None) -> float | None:
    """How many bytes reading may take: as asked, or a quarter of what is free; None where that is not known."""
    if memory_limit_mb is not None:
        return memory_limit_mb * 1e6
    free = free_memory()
    return None if free is None else free / 4


def in_chunks(events: int, threshold: int, chunk_size: int | None, memory_limit_mb: float | None) -> bool:
    """Whether so many events pass in chunks: they are more than the threshold, and the limit does not hold all at once."""
    if events <= threshold or chunk_size is not None:
        return events > threshold
    limit = limit_of(memory_limit_mb)
    return limit is None or events > _MOST_AT_ONCE or events * _BYTES_AT_ONCE > limit


def chunk_of(chunk_size: int | None, memory_limit_mb: float | None) -> int:
    """How many events a chunk has: as asked, as the limit allows, at most 1,048,576."""
    limit = limit_of(memory_limit_mb)
    most = _LARGEST if limit is None else int(limit / _BYTES_AN_EVENT)
    wanted = _LARGEST if chunk_size is None else chunk_size
    return max(min(wanted, most, _LARGEST), 1 if chunk_size is not None and chunk_size < _SMALLEST else _SMALLEST)


def warn_if_large(events: int, path: str) -> None:
    """Says so if the table may not fit into the memory that is free."""
    free = free_memory()
    if free is not None and events * 13 > free:
        warnings.warn(
            f"{path} has about {events:_} events, which take {events * 13 / 1e6:.0f} MB; {free / 1e6:.0f} MB are free. "
            "Filter by time or region, or aggregate with parallax.scan(..).collect(engine='streaming')",
            ResourceWarning,
            stacklevel=4,
        )


class Loading(NamedTuple):
    """What one way of loading took."""

    seconds: float
    """The wall time, the best of the runs."""
    peak_bytes: int | None
    """How far the process grew meanwhile."""


class Profile(NamedTuple):
    """What `profile_loading_performance` found."""

    events: int
    direct: Loading
    streaming: Loading
    chosen: str
    """What `load_events` does with such a recording: ``"direct"`` or ``"streaming"``."""
    recommendation: str


def profile_loading_performance(
    path: str | os.PathLike[str], streaming_threshold: int = STREAMING_THRESHOLD, *, runs: int = 3, quiet: bool = False
) -> Profile:
    """Loads a recording at once and in chunks, compares time and memory, and says which to use.

    Parameters
    ----------
    path : str or path
        The recording.
    streaming_threshold : int, default 5 million
        As for `load_events`.
    runs : int, default 3
        How often each way is tried.
    quiet : bool, default False
        Whether nothing is printed.

    Returns
    -------
    Profile

    Examples
    --------
    >>> import parallax as px, parallax.evlib as evlib, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "events.raw")
    >>> px.sample().write(path, format="evt3")
    >>> profile = evlib.profile_loading_performance(path, quiet=True)
    >>> profile.events, profile.chosen
    (1000, 'direct')
    >>> folder.cleanup()
    """
    from .loading import load_events

    path = os.fspath(path)
    found: dict[str, Loading] = {}
    events = 0
    for name, threshold, chunk_size in (("direct", 1 << 62, None), ("streaming", -1, chunk_of(None, None))):
        times: list[float] = []
        peak: int | None = None
        for _ in range(max(runs, 1)):
            with _Growth() as growth:
                start = time.perf_counter()
                rows = load_events(path, streaming_threshold=threshold, chunk_size=chunk_size)
                events = rows.collect().height
                times.append(time.perf_counter() - start)
            peak = growth.bytes if peak is None else peak
        found[name] = Loading(min(times), peak)
    chosen = "streaming" if in_chunks(expected_events(path), streaming_threshold, None, None) else "direct"
    profile = Profile(events, found["direct"], found["streaming"], chosen, _advice(events, found, chosen))
    if not quiet:
        print(_described(path, profile))
    return profile


class _Growth:
    """How far the process' memory grew, at its highest, inside the block."""

    def __init__(self) -> None:
        self.bytes: int | None = None

    def __enter__(self) -> _Growth:
        try:
            # Has the kernel count the highest anew.
            with builtins.open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            pass
        self._before = _status("VmRSS")
        return self

    def __exit__(self, *_: Any) -> None:
        peak = _status("VmHWM")
        if peak is not None and self._before is not None:
            self.bytes = max(peak - self._before, 0)


def _status(name: str) -> int | None:
    try:
        with builtins.open("/proc/self/status") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _advice(events: int, found: dict[str, Loading], chosen: str) -> str:
    direct, streaming = found["direct"], found["streaming"]
    faster = "direct" if direct.seconds <= streaming.seconds else "streaming"
    ratio = max(direct.seconds, streaming.seconds) / max(min(direct.seconds, streaming.seconds), 1e-9)
    if chosen == faster or ratio < 1.1:
        return f"keep the threshold: load_events takes the {chosen} way, and no other is more than 10 % faster"
    if chosen == "streaming":
        return (
            f"the direct way is {ratio:.1f} times faster here and takes more memory: where that is there, "
            f"pass streaming_threshold={events + 1}"
        )
    return f"the streaming way is {ratio:.1f} times faster here: pass streaming_threshold={max(events - 1, 0)} and a chunk_size"


def _described(path: str, profile: Profile) -> str:
    lines = [f"{path}: {profile.events:_} events"]
    for name, loading in (("direct", profile.direct), ("streaming", profile.streaming)):
        grown = "unknown" if loading.peak_bytes is None else f"{loading.peak_bytes / 1e6:.0f} MB"
        rate = profile.events / loading.seconds / 1e6 if loading.seconds else 0.0
        lines.append(f"  {name:<10} {loading.seconds * 1e3:10.1f} ms  {rate:8.1f} Mev/s  memory {grown}")
    lines.append(f"  load_events takes the {profile.chosen} way")
    lines.append(f"  recommendation: {profile.recommendation}")
    return "\n".join(lines)
