"""Lazy scans: whatever a query asks for, the answer is that of the whole table in Polars."""

import datetime
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
from conftest import columns
from hypothesis import given, settings, strategies
from polars.testing import assert_frame_equal

import parallax as px
from parallax._pushdown import Bounds, bounds_of
from parallax._scan import chain_of, range_of

NUMBERS = strategies.integers(-80, 80)
TIMES = strategies.integers(-12_000, 12_000)


def duration(micros):
    return pl.lit(datetime.timedelta(microseconds=micros))


@strategies.composite
def predicates(draw, depth=3):
    """Filters as people write them, and filters that nobody understands."""
    kind = draw(strategies.integers(0, 9 if depth else 6))
    compare = draw(strategies.sampled_from(["__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"]))
    name = draw(strategies.sampled_from(["x", "y", "p"]))
    if kind == 0:
        return getattr(pl.col("t"), compare)(duration(draw(TIMES)))
    if kind == 1:
        return getattr(pl.col(name), compare)(draw(NUMBERS))
    if kind == 2:
        return pl.col(name).is_between(draw(NUMBERS), draw(NUMBERS), closed=draw(strategies.sampled_from(["both", "none", "left"])))
    if kind == 3:
        return getattr(pl.col("t").dt.total_microseconds() / 1_000, compare)(draw(TIMES) / 1_000)
    if kind == 4:
        return pl.col("t").is_between(duration(draw(TIMES)), duration(draw(TIMES)))
    if kind == 5:
        return pl.col("x").is_in(draw(strategies.lists(strategies.integers(0, 63), max_size=3)))
    if kind == 6:
        return (pl.col("x") + pl.col("y")) % 3 == draw(strategies.integers(0, 2))
    left, right = draw(predicates(depth=depth - 1)), draw(predicates(depth=depth - 1))
    return {7: left & right, 8: left | right, 9: ~left}[kind]


def recorded(made, folder):
    path = folder / "events.npz"
    px.Events.from_numpy(*made, width=64, height=48).write(path, overwrite=True)
    return path


@settings(max_examples=25)
@given(made=columns(most=60), predicate=predicates(), head=strategies.one_of(strategies.none(), strategies.integers(0, 30)))
def test_a_query_of_a_scan_is_that_of_the_table(tmp_path, made, predicate, head):
    path = recorded(made, tmp_path)
    whole = px.read(path).to_polars().lazy()
    rows = px.scan(path, chunk=37)
    for query in (
        lambda frame: frame.filter(predicate),
        lambda frame: frame.filter(predicate).select("x", "t"),
        lambda frame: frame if head is None else frame.head(head),
        lambda frame: frame.filter(predicate) if head is None else frame.filter(predicate).head(head),
        lambda frame: frame.head(20 if head is None else head).filter(predicate),
    ):
        expected = query(whole).collect()
        assert_frame_equal(query(rows).collect(), expected)
        assert_frame_equal(query(rows).collect(engine="streaming"), expected)


@given(made=columns(most=60), predicate=predicates())
def test_bounds_hold_for_every_row_that_a_filter_keeps(made, predicate):
    kept = px.Events.from_numpy(*made).to_polars().filter(predicate)
    bounds = bounds_of(predicate)
    for (low, high), values in zip(bounds, (kept["t"].dt.total_microseconds() * 1_000, kept["x"], kept["y"], kept["p"])):
        assert all(low <= value <= high for value in values.to_list())


def test_what_is_understood():
    t, x, p = pl.col("t"), pl.col("x"), pl.col("p")
    seen = bounds_of((t >= pl.duration(milliseconds=2)) & (t < datetime.timedelta(seconds=1)) & x.is_between(3, 9) & (p == 1))
    assert seen == Bounds(t=(2_000_000, 1_000_000_000), x=(3, 9), polarity=(1, 1))
    assert range_of(seen) == "2000000ns..1000000001ns"
    assert chain_of(seen) == "region x=3 y=0 w=7 h=65536 ! polarity keep=on"
    assert bounds_of((x < 5) | (x > 9)) == Bounds() and bounds_of((x < 5) | (x < 9)).x == (-np.inf, 9)
    assert bounds_of(4 < x).x == (4, np.inf)
    assert bounds_of(t.dt.total_microseconds() / 1_000_000 > 0.1).t[0] == pytest.approx(1e8, rel=1e-4)
    assert bounds_of(x == pl.lit(5.7).cast(pl.Int64)) == Bounds(), "a cast may change a number"
    assert bounds_of((x < 3) & (x > 8)).is_empty
    assert bounds_of(None) == Bounds() and bounds_of(~(x > 3)) == Bounds()


def test_less_is_decoded(recording, monkeypatch):
    path = recording("faery/evt3.raw")
    events = px.read(path)
    start, stop = int(events.t[0]) + 100_000, int(events.t[0]) + 120_000
    asked = []
    import parallax._scan as module

    monkeypatch.setattr(module, "range_of", lambda bounds: asked.append(range_of(bounds)) or asked[-1])
    rows = px.scan(path).filter(
        pl.col("t") >= pl.duration(microseconds=start), pl.col("t") < pl.duration(microseconds=stop)
    )
    mask = (events.t >= start) & (events.t < stop)
    assert rows.select(pl.len()).collect().item() == mask.sum()
    assert asked[-1] == f"{start * 1_000}ns..{stop * 1_000 + 1}ns"
    assert px.scan(path).head(5).collect()["t"].dt.total_microseconds().to_list() == events.t[:5].tolist()


def test_several_files_and_patterns(tmp_path):
    events = px.sample()
    for index in range(3):
        events[index * 100 : (index + 1) * 100].write(tmp_path / f"part{index}.raw", format="evt3")
    expected = events[:300].to_polars()
    for source in (str(tmp_path / "part*.raw"), sorted(tmp_path.glob("*.raw")), [str(tmp_path / "part[0-2].raw")]):
        assert_frame_equal(px.scan(source).collect(), expected)
    named = px.scan(str(tmp_path / "*.raw"), include_file_paths="file").group_by("file").len().sort("file").collect()
    assert named["len"].to_list() == [100] * 3 and named["file"][0].endswith("part0.raw")
    assert px.scan(str(tmp_path / "*.raw")).head(150).collect().height == 150
    with pytest.raises(FileNotFoundError, match="no file matches"):
        px.scan(str(tmp_path / "*.dat"))
    with pytest.raises(px.NotFoundError):
        px.scan(tmp_path / "missing.raw")
    with pytest.raises(px.ParamError, match="no recordings"):
        px.scan([])
    with pytest.raises(px.ParamError, match="such a column"):
        px.scan(str(tmp_path / "*.raw"), include_file_paths="t")


def test_queries_of_one_scan_see_the_file_as_it_is(tmp_path):
    path = tmp_path / "events.raw"
    t = np.arange(600_000) * 100
    place = (np.arange(600_000) % 300).astype(np.uint16)
    rows = None
    for late in (0, 1_000_000):
        px.Events.from_numpy(t + late, place, place, np.zeros(600_000, np.uint8)).write(path, format="evt3", overwrite=True)
        rows = px.scan(path) if rows is None else rows
        for wait in (0, 2.1, 0):
            time.sleep(wait)
            for shift in (0, 40_000_000):
                part = rows.filter((pl.col("t") >= duration(3_000_000 + shift)) & (pl.col("t") < duration(3_050_000 + shift)))
                start = (3_000_000 + shift - late) // 100
                assert part.select("x").collect()["x"].to_list() == place[start : start + 500].tolist()


def test_units_are_not_mixed(tmp_path):
    px.sample(10).write(tmp_path / "a.arrow")
    px.sample(10).with_meta(time_unit="ns").write(tmp_path / "b.arrow")
    with pytest.raises(Exception, match="counts in ns"):
        px.scan([tmp_path / "a.arrow", tmp_path / "b.arrow"]).collect()


def test_a_mode_of_operators_changes_no_scan(tmp_path):
    path = tmp_path / "events.npz"
    px.sample().write(path)
    query = pl.col("x") < 30
    expected = px.scan(path).filter(query).collect()
    try:
        px.set_mode("fixed_step:1ms")
        assert_frame_equal(px.scan(path).filter(query).collect(), expected)
    finally:
        px.set_mode("exact")


CONSTANT = """
import re, sys
import polars as pl
import parallax as px
counts = px.scan(sys.argv[1]).group_by("x").agg(pl.len()).collect(engine="streaming")
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)
print(counts["len"].sum(), int(peak) * 1024)
"""


def test_aggregates_stay_in_constant_memory(tmp_path):
    count = 20_000_000
    columns = [np.arange(count), *(np.arange(count).astype(np.uint16) % 600 for _ in "xy"), np.zeros(count, np.uint8)]
    path = tmp_path / "events.raw"
    px.Events.from_numpy(*columns, width=640, height=600).write(path, format="evt2")
    del columns
    said = subprocess.run([sys.executable, "-c", CONSTANT, str(path)], capture_output=True, text=True, check=True)
    events, peak = map(int, said.stdout.split())
    assert events == count
    # The columns alone would be 260 MB; the file, which is mapped and counts as well, is 80.
    assert peak < 13 * count + path.stat().st_size - (40 << 20), peak
