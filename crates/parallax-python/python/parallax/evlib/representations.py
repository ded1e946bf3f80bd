"""Representations, as `evlib.representations` has them: long tables of Polars, a row for each cell that has something.

Counts and sums are made by Parallax' operators where one has the same meaning, else by Polars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _native
from .._events import Events
from .._numpy import np
from .loading import as_lazy

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray


def create_stacked_histogram(
    events: Any, height: int, width: int, bins: int = 10, window_duration_ms: float = 50.0, engine: Any = "auto"
) -> polars.DataFrame:
    """Counts by window, polarity and pixel. Windows begin at the first event; later events than the last one's end are left out.

    Parameters
    ----------
    events : polars.LazyFrame, polars.DataFrame, Events, str or path
    height, width : int
        Events outside are left out.
    bins : int, default 10
        How many windows.
    window_duration_ms : float, default 50
    engine : optional
        How Polars collects the events.

    Returns
    -------
    polars.DataFrame
        ``time_bin, polarity, y, x, count``, in order.
    """
    import polars as pl

    index = ((_micros() - _micros().min()) // int(round(window_duration_ms * 1000))).cast(pl.Int32)
    return (
        _inside(as_lazy(events).with_columns(index.alias("time_bin")), height, width)
        .filter(pl.col("time_bin").is_between(0, bins - 1))
        .group_by("time_bin", "polarity", "y", "x")
        .agg(pl.len().alias("count"))
        .sort("time_bin", "polarity", "y", "x")
        .collect(engine=engine)
    )


def create_voxel_grid(
    events: Any, height: int, width: int, n_time_bins: int = 5, engine: Any = "auto"
) -> polars.DataFrame:
    """Polarities spread over two bins of time, as Tonic and Zhu et al. (2019) do; the time of all events is the span.

    Parameters
    ----------
    events, height, width, engine
        As for `create_stacked_histogram`.
    n_time_bins : int, default 5

    Returns
    -------
    polars.DataFrame
        ``x, y, time_bin, contribution``, without cells whose contributions add up to nothing.
    """
    import polars as pl

    rows = as_lazy(events).collect(engine=engine)
    # The sensor as evlib's callers state it; what lies outside counts for the span of time alone.
    cells = _cells(_sorted_batch(rows), f"voxel bins={n_time_bins} grid=tonic polarity=signed dtype=f64", height, width)
    return cells.select("x", "y", pl.col("time").alias("time_bin"), pl.col("value").alias("contribution"))


def voxel_grid(events: Any, height: int, width: int, n_time_bins: int = 5, engine: Any = "auto") -> polars.DataFrame:
    """Another name of `create_voxel_grid`."""
    return create_voxel_grid(events, height, width, n_time_bins, engine)


def densify_voxel_grid(df: polars.DataFrame, n_time_bins: int, height: int, width: int) -> NDArray[np.float64]:
    """A table of `create_voxel_grid` as an array (time, 1, y, x).

    Parameters
    ----------
    df : polars.DataFrame
    n_time_bins, height, width : int

    Returns
    -------
    numpy.ndarray
    """
    dense = np.zeros((n_time_bins, 1, height, width))
    time_bin, y, x = (df[name].to_numpy() for name in ("time_bin", "y", "x"))
    np.add.at(dense[:, 0], (time_bin, y, x), df["contribution"].to_numpy())
    return dense


def create_event_frame(
    events: Any, height: int, width: int, n_time_bins: int = 10, engine: Any = "auto"
) -> polars.DataFrame:
    """Counts by bin of time, polarity (0 and 1) and pixel. A bin is as long as a whole number of microseconds allows, so that
    the last events, the very last one included, may lie behind the last bin and are left out, as Tonic leaves them out.

    Parameters
    ----------
    events, height, width, engine
        As for `create_stacked_histogram`.
    n_time_bins : int, default 10

    Returns
    -------
    polars.DataFrame
        ``time_bin, polarity, y, x, count``, in order.
    """
    import polars as pl

    rows = as_lazy(events).collect(engine=engine)
    batch = _sorted_batch(rows)
    length = rows.select(_micros().max() - _micros().min()).item()
    # Where a bin would have no length, evlib has all events in the first one.
    chain = f"frame bins={n_time_bins} edges=floor" if length is not None and length >= n_time_bins else "frame"
    cells = _cells(batch, chain, height, width)
    count = pl.col("value").cast(pl.UInt32).alias("count")
    return cells.select(pl.col("time").alias("time_bin"), "polarity", "y", "x", count)


def densify_event_frame(
    df: polars.DataFrame, n_time_bins: int, n_polarities: int, height: int, width: int
) -> NDArray[np.int64]:
    """A table of `create_event_frame` as an array (time, polarity, y, x).

    Parameters
    ----------
    df : polars.DataFrame
    n_time_bins, n_polarities, height, width : int

    Returns
    -------
    numpy.ndarray
    """
    dense = np.zeros((n_time_bins, n_polarities, height, width), np.int64)
    place = tuple(df[name].to_numpy() for name in ("time_bin", "polarity", "y", "x"))
    np.add.at(dense, place, df["count"].to_numpy())
    return dense


def create_time_surface(
    events: Any, height: int, width: int, dt: float, tau: float, engine: Any = "auto"
) -> polars.DataFrame:
    """The last time of each pixel and polarity in each slice of `dt` microseconds; the unfinished last slice is left out.

    Parameters
    ----------
    events, height, width, engine
        As for `create_stacked_histogram`.
    dt : float
        Microseconds.
    tau : float
        Used by `densify_time_surface`.

    Returns
    -------
    polars.DataFrame
        ``slice, polarity, y, x, last_t``, in order.
    """
    import polars as pl

    rows = as_lazy(events).collect(engine=engine)
    t = rows["t"].dt.total_microseconds().to_numpy()
    first, last = (int(t.min()), int(t.max())) if len(t) else (0, 0)
    slices = max(int((last - first - dt) // dt) + 1, 1)
    return (
        _inside(rows.lazy(), height, width)
        .with_columns(
            ((_micros().cast(pl.Float64) - first) / dt).floor().cast(pl.Int64).alias("slice"),
            (pl.col("polarity") > 0).cast(pl.Int8).alias("polarity"),
            _micros().cast(pl.Float64).alias("last_t"),
        )
        .filter(pl.col("slice") < slices)
        .group_by("slice", "polarity", "y", "x")
        .agg(pl.col("last_t").max())
        .sort("slice", "polarity", "y", "x")
        .collect(engine=engine)
    )


def densify_time_surface(
    df: polars.DataFrame,
    n_slices: int,
    n_polarities: int,
    height: int,
    width: int,
    dt: float,
    tau: float,
    start_t: float,
) -> NDArray[np.float64]:
    """A table of `create_time_surface` as surfaces (slice, polarity, y, x): what a pixel saw last, in this slice or before,
    has faded to exp(-age / tau) at the slice's end; 0 where it saw nothing.

    Parameters
    ----------
    df : polars.DataFrame
    n_slices, n_polarities, height, width : int
    dt, tau : float
        Microseconds.
    start_t : float
        The time of the first event, in microseconds.

    Returns
    -------
    numpy.ndarray
    """
    seen = np.full((n_slices, n_polarities, height, width), -np.inf)
    place = tuple(df[name].to_numpy() for name in ("slice", "polarity", "y", "x"))
    np.maximum.at(seen, place, df["last_t"].to_numpy())
    np.maximum.accumulate(seen, axis=0, out=seen)
    ends = start_t + dt * np.arange(1, n_slices + 1)
    surfaces: NDArray[np.float64] = np.exp((seen - ends[:, None, None, None]) / tau)
    return surfaces


def create_mixed_density_stack(events: Any, height: int, width: int, engine: Any = "auto") -> polars.DataFrame:
    """The sum of polarities and the count of each pixel. It is called as evlib calls it; the stack of that name is
    `parallax.mixed_density`.

    Parameters
    ----------
    events, height, width, engine
        As for `create_stacked_histogram`.

    Returns
    -------
    polars.DataFrame
        ``x, y, polarity_sum, count``.
    """
    import polars as pl

    # Eight bits overflow at 128 events of a pixel, which is where evlib's sum goes wrong.
    total = pl.col("polarity").cast(pl.Int64).sum().alias("polarity_sum")
    grouped = _inside(as_lazy(events), height, width).group_by("x", "y").agg(total, pl.len().alias("count"))
    return grouped.collect(engine=engine)


def time_surface(events: Any, height: int, width: int, tau: float = 100_000.0, engine: Any = "auto") -> polars.DataFrame:
    """The last time and the count of each pixel and polarity, and how far that time has faded at the last event.

    Parameters
    ----------
    events, height, width, engine
        As for `create_stacked_histogram`.
    tau : float, default 100000
        Microseconds.

    Returns
    -------
    polars.DataFrame
        ``x, y, polarity, last_timestamp, event_count, surface_value``.
    """
    import polars as pl

    age = (pl.col("last_timestamp").max() - pl.col("last_timestamp")).dt.total_microseconds()
    grouped = (
        as_lazy(events)
        .group_by("x", "y", "polarity")
        .agg(pl.col("t").max().alias("last_timestamp"), pl.len().alias("event_count"))
        .with_columns((-age.cast(pl.Float64) / tau).exp().alias("surface_value"))
    )
    return _inside(grouped, height, width).collect(engine=engine)


def event_histogram(events: Any, height: int, width: int, engine: Any = "auto") -> polars.DataFrame:
    """The count and the sum of times of each pixel and polarity.

    Parameters
    ----------
    events, height, width, engine
        As for `create_stacked_histogram`.

    Returns
    -------
    polars.DataFrame
        ``x, y, polarity, count, t_us_sum``.
    """
    import polars as pl

    grouped = (
        _inside(as_lazy(events), height, width)
        .group_by("x", "y", "polarity")
        .agg(pl.len().alias("count"), _micros().sum().alias("t_us_sum"))
    )
    return grouped.collect(engine=engine)


def preprocess_for_detection(events: Any, height: int, width: int, bins: int = 5, engine: Any = "auto") -> polars.DataFrame:
    """`create_stacked_histogram` with another default."""
    return create_stacked_histogram(events, height, width, bins, engine=engine)


def _micros() -> polars.Expr:
    import polars as pl

    return pl.col("t").cast(pl.Duration("us")).cast(pl.Int64)


def _inside(rows: polars.LazyFrame, height: int, width: int) -> polars.LazyFrame:
    import polars as pl

    return rows.filter(pl.col("x").is_between(0, width - 1) & pl.col("y").is_between(0, height - 1))


def _cells(batch: Events | None, chain: str, height: int, width: int) -> polars.DataFrame:
    """The cells that are not zero of the tensor that a chain makes: ``time, polarity, y, x, value``."""
    import polars as pl

    if batch is None:
        kinds = {"time": pl.Int32, "polarity": pl.Int8, "y": pl.Int16, "x": pl.Int16, "value": pl.Float64}
        return pl.DataFrame(schema=kinds)
    made: Any = _native.Chain.parse(chain).cells(batch._batch, (height, width))
    return pl.DataFrame(made)


def _sorted_batch(rows: polars.DataFrame) -> Events | None:
    """Events of a table, in order of time; None of an empty one."""
    if rows.is_empty():
        return None
    rows = rows.select("x", "y", "t", "polarity")
    if not rows["t"].is_sorted():
        rows = rows.sort("t", maintain_order=True)
    capsule: Any = rows.rechunk().__arrow_c_stream__()
    found = _native.of_frame(capsule)
    if found is not None:
        return Events(found[0])
    return Events.from_numpy(*(rows[name].to_numpy() for name in ("t", "x", "y", "polarity")))
