"""Filters, as `evlib.filtering` has them: on a lazy table, a table, Parallax' events, or the path of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable

from .. import _native
from .._errors import _wrong
from .._events import Events
from .loading import as_lazy, first_micros, last_micros, table_of, when_collected

if TYPE_CHECKING:
    import polars

_COLUMNS = {"x", "y", "t", "polarity"}
# In microseconds, either way: no time lies further.
_LONGEST = (1 << 63) - 1


def filter_by_time(
    events: Any, t_start: float | None = None, t_end: float | None = None, engine: Any = "auto"
) -> polars.LazyFrame:
    """The events from `t_start` to `t_end`, in seconds, both inside.

    Parameters
    ----------
    events : polars.LazyFrame, polars.DataFrame, Events, str or path
    t_start, t_end : float, optional
    engine : optional
        Ignored, as evlib ignores it: the engine is chosen where the table is collected.

    Returns
    -------
    polars.LazyFrame
    """
    import polars as pl

    first = None if t_start is None else first_micros(t_start)
    last = None if t_end is None else last_micros(t_end)
    if isinstance(events, pl.DataFrame) and _is_known_in_order(events):
        # The same memory: a table in order keeps one run of its rows.
        t = events["t"].to_physical()
        start = 0 if first is None else t.search_sorted(min(max(first, -_LONGEST), _LONGEST), "left")
        end = len(t) if last is None else t.search_sorted(min(max(last, -_LONGEST), _LONGEST), "right")
        return events.slice(start, max(end - start, 0)).lazy()
    rows = as_lazy(events)
    if first is not None:
        rows = rows.filter(pl.col("t") >= pl.duration(microseconds=first))
    if last is not None:
        rows = rows.filter(pl.col("t") <= pl.duration(microseconds=last))
    return rows


def _is_known_in_order(table: polars.DataFrame) -> bool:
    import polars as pl

    t = table.get_column("t", default=None)
    return t is not None and t.dtype == pl.Duration("us") and t.flags["SORTED_ASC"] and not t.null_count()


def filter_by_roi(events: Any, x_min: int, x_max: int, y_min: int, y_max: int, engine: Any = "auto") -> polars.LazyFrame:
    """The events inside a rectangle, its borders inside.

    Parameters
    ----------
    events, engine
        As for `filter_by_time`.
    x_min, x_max, y_min, y_max : int

    Returns
    -------
    polars.LazyFrame
    """
    _check(x_min, x_max, y_min, y_max)
    return as_lazy(events).filter(_inside(x_min, x_max, y_min, y_max))


def filter_multiple_rois(events: Any, rois: Iterable[tuple[int, int, int, int]], engine: Any = "auto") -> polars.LazyFrame:
    """The events inside any of these rectangles; all events if there are none.

    Parameters
    ----------
    events, engine
        As for `filter_by_time`.
    rois : iterable of (x_min, x_max, y_min, y_max)

    Returns
    -------
    polars.LazyFrame
    """
    import polars as pl

    boxes = list(rois)
    for box in boxes:
        _check(*box)
    rows = as_lazy(events)
    return rows.filter(pl.any_horizontal([_inside(*box) for box in boxes])) if boxes else rows


def filter_by_polarity(events: Any, polarity: int | Iterable[int], engine: Any = "auto") -> polars.LazyFrame:
    """The events of one polarity, or of several.

    Parameters
    ----------
    events, engine
        As for `filter_by_time`.
    polarity : int or iterable of int
        As the table has them: -1 and 1, or 0 and 1.

    Returns
    -------
    polars.LazyFrame
    """
    import polars as pl

    values = [int(polarity)] if isinstance(polarity, (int, float)) else [int(value) for value in polarity]
    column = pl.col("polarity")
    if len(values) == 1:
        return as_lazy(events).filter(column == values[0])
    return as_lazy(events).filter(column.is_in(values))


def filter_hot_pixels(events: Any, threshold_percentile: float | None = None, engine: Any = "auto") -> polars.LazyFrame:
    """Drops the events of pixels that fired more often than this percentile of the pixels that fired at all.

    Parameters
    ----------
    events, engine
        As for `filter_by_time`.
    threshold_percentile : float, default 99.9

    Returns
    -------
    polars.LazyFrame
        In the order of the table that came in.
    """
    import polars as pl

    percentile = 99.9 if threshold_percentile is None else threshold_percentile
    if not 0 <= percentile <= 100:
        raise _wrong(f"`threshold_percentile` cannot be {percentile}", "it is 0 to 100")

    def with_more_columns(frame: pl.DataFrame) -> pl.DataFrame:
        counts = frame.group_by("x", "y").len()["len"]
        limit = counts.quantile(percentile / 100)
        return frame if limit is None else frame.filter(pl.len().over("x", "y") <= limit)

    return _through(events, f"hot_pixels by=percentile percentile={percentile!r}", with_more_columns)


def filter_noise(
    events: Any, method: str | None = None, refractory_period_us: float | None = None, engine: Any = "auto"
) -> polars.LazyFrame:
    """Drops events that come no later than a period after the last event of their pixel, kept or not.

    Parameters
    ----------
    events, engine
        As for `filter_by_time`.
    method : {"refractory"}, optional
    refractory_period_us : float, default 1000

    Returns
    -------
    polars.LazyFrame
        In order of time; events of one time stay in their order.
    """
    import polars as pl

    if method not in (None, "refractory"):
        raise _wrong(
            f"there is no method {method!r}", "the method is 'refractory'; parallax.background_activity and knoise do more"
        )
    period = int(1000.0 if refractory_period_us is None else refractory_period_us)
    if period < 0:
        raise _wrong(f"`refractory_period_us` cannot be {refractory_period_us}", "it is 0 or more")

    def with_more_columns(frame: pl.DataFrame) -> pl.DataFrame:
        since = pl.col("t") - pl.col("t").shift().over("x", "y")
        return frame.filter(since.is_null() | (since > pl.duration(microseconds=period)))

    # No period of the operator is 0: then only an event that repeats another one's time is dropped.
    chain = f"refractory period={period}us since=seen" if period else None
    return _through(events, chain, with_more_columns, sort=True)


def filter_by_activity(
    events: Any, time_us: float = 10_000.0, neighbours: int = 8, engine: Any = "auto"
) -> polars.LazyFrame:
    """Drops events without a recent event next to them: background activity. evlib announced it and never had it.

    Parameters
    ----------
    events, engine
        As for `filter_by_time`.
    time_us : float, default 10000
        How recent.
    neighbours : {4, 8}
        Which pixels are next.

    Returns
    -------
    polars.LazyFrame
        In order of time.
    """
    return _through(
        events, f"background_activity time={int(time_us)}us neighbours={neighbours}", None, sort=True
    )


def preprocess_events(
    events: Any,
    t_start: float | None = None,
    t_end: float | None = None,
    roi: tuple[int, int, int, int] | None = None,
    polarity: int | Iterable[int] | None = None,
    remove_hot_pixels: bool = True,
    hot_pixel_threshold: float = 99.9,
    denoise: bool = True,
    refractory_period_us: float = 1000.0,
    engine: Any = "auto",
) -> polars.LazyFrame:
    """Time, region, polarity, hot pixels, refractory period, in this order, as far as each is asked for.

    Parameters
    ----------
    events, t_start, t_end, polarity, engine
        As for the filters.
    roi : tuple (x_min, x_max, y_min, y_max), optional
    remove_hot_pixels, denoise : bool, default True
    hot_pixel_threshold : float, default 99.9
    refractory_period_us : float, default 1000

    Returns
    -------
    polars.LazyFrame
    """
    rows = filter_by_time(events, t_start, t_end)
    if roi is not None:
        rows = filter_by_roi(rows, *roi)
    if polarity is not None:
        rows = filter_by_polarity(rows, polarity)
    if remove_hot_pixels:
        rows = filter_hot_pixels(rows, hot_pixel_threshold)
    if denoise:
        rows = filter_noise(rows, refractory_period_us=refractory_period_us)
    return rows


def _check(x_min: int, x_max: int, y_min: int, y_max: int) -> None:
    for name, low, high in (("x", x_min, x_max), ("y", y_min, y_max)):
        if low > high:
            raise _wrong(f"{name}_min is {low}, {name}_max is {high}", "the smaller one comes first")


def _inside(x_min: int, x_max: int, y_min: int, y_max: int) -> polars.Expr:
    import polars as pl

    return pl.col("x").is_between(x_min, x_max) & pl.col("y").is_between(y_min, y_max)


def _through(events: Any, chain: str | None, otherwise: Any, *, sort: bool = False) -> polars.LazyFrame:
    """The events through operators when the table is collected; `otherwise` is for a table with columns of its own."""
    import polars as pl

    def work(frame: pl.DataFrame) -> pl.DataFrame:
        if sort and not frame["t"].is_sorted():
            frame = frame.sort("t", maintain_order=True)
        if frame.is_empty():
            return frame
        capsule: Any = frame.rechunk().__arrow_c_stream__()
        found = _native.of_frame(capsule) if set(frame.columns) == _COLUMNS else None
        if found is None or chain is None:
            if otherwise is None:
                raise _wrong(f"the table has the columns {frame.columns}", "select x, y, t and polarity first")
            made: pl.DataFrame = otherwise(frame)
            return made
        batch, signed = found
        kept = Events(batch).apply(chain)
        made = table_of(_native.frame_of(kept._batch, signed)).select(frame.columns)
        return made.with_columns(pl.col("t").set_sorted()) if sort else made

    rows = as_lazy(events)
    if isinstance(events, pl.LazyFrame):
        return rows.map_batches(work, schema=None, validate_output_schema=False)
    # A lazy table of one that is there hands it on in a hundred pieces, which would have to be joined.
    return when_collected(lambda predicate, n_rows: work(rows.collect()), rows.collect_schema())
