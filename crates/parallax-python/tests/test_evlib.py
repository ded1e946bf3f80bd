"""evlib's face: naive Polars and NumPy say what must come out. `beside_evlib.py` holds it against evlib itself."""

import datetime
import warnings

import numpy as np
import polars as pl
import pytest
from conftest import columns
from hypothesis import assume, given, settings, strategies
from polars.testing import assert_frame_equal

import parallax as px
import parallax.evlib as evlib
from parallax.evlib import streaming

SCHEMA = {"x": pl.Int16, "y": pl.Int16, "t": pl.Duration("us"), "polarity": pl.Int8}


def frame_of(made, signed=True):
    t, x, y, p = made
    polarity = p.astype(np.int8) * 2 - 1 if signed else p.astype(np.int8)
    return pl.DataFrame(
        {"x": x.astype(np.int16), "y": y.astype(np.int16), "t": t.view("timedelta64[us]"), "polarity": polarity}, schema=SCHEMA
    )


def recorded(made, folder):
    path = folder / "events.npz"
    px.Events.from_numpy(*made, width=64, height=48).write(path, overwrite=True)
    return path


@settings(max_examples=25)
@given(made=columns(most=60), sort=strategies.booleans(), threshold=strategies.sampled_from([-1, 10**9]))
def test_the_table_is_the_same_whichever_way_it_is_read(tmp_path, made, sort, threshold):
    path = recorded(made, tmp_path)
    expected = frame_of(made)
    if sort:
        expected = expected.sort("t", maintain_order=True)
    loaded = evlib.load_events(path, sort=sort, streaming_threshold=threshold, chunk_size=41).collect()
    assert_frame_equal(loaded, expected)
    assert loaded.schema == SCHEMA


@settings(max_examples=25)
@given(
    made=columns(most=60),
    micros=strategies.tuples(strategies.integers(-11_000, 11_000), strategies.integers(-11_000, 11_000)),
    box=strategies.tuples(*[strategies.integers(-5, 70)] * 4),
    polarity=strategies.sampled_from([None, -1, 1]),
)
def test_limits_are_inside(tmp_path, made, micros, box, polarity):
    path = recorded(made, tmp_path)
    whole = frame_of(made).sort("t", maintain_order=True)
    start, stop = (datetime.timedelta(microseconds=micro) for micro in micros)
    expected = whole.filter(
        pl.col("t").is_between(start, stop), pl.col("x").is_between(*box[:2]), pl.col("y").is_between(*box[2:])
    )
    if polarity is not None:
        expected = expected.filter(pl.col("polarity") == polarity)
    loaded = evlib.load_events(path, micros[0] / 1e6, micros[1] / 1e6, *box, polarity=polarity)
    assert_frame_equal(loaded.collect(), expected)
    assert_frame_equal(loaded.head(3).collect(), expected.head(3))
    assert_frame_equal(loaded.select("x").collect(engine="streaming"), expected.select("x"))


def test_text_keeps_0_and_1_and_others_do_not(tmp_path):
    for name, format, values in (("a.csv", "csv", [0, 1]), ("a.txt", "rpg", [0, 1]), ("a.raw", "evt3", [-1, 1]), ("a.dat", "dat", [-1, 1])):
        px.sample().write(tmp_path / name, format=format)
        loaded = evlib.load_events(tmp_path / name).collect()
        assert sorted(loaded["polarity"].unique()) == values, name
        assert len(evlib.load_events(tmp_path / name, polarity=1).collect()) == 500


def test_other_units_come_as_microseconds(tmp_path):
    px.sample().with_meta(time_unit="ns").write(tmp_path / "a.arrow")
    t = evlib.load_events(tmp_path / "a.arrow").collect()["t"].dt.total_microseconds()
    assert t[:12].to_list() == [round(index * 0.1) for index in range(12)]


def test_a_missing_file_is_an_error_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        evlib.load_events(tmp_path / "missing.raw")
    wide = px.Events.from_numpy([1], [40_000], [3], [1])
    wide.write(tmp_path / "wide.arrow")
    with pytest.raises(Exception, match="does not fit evlib's int16"):
        evlib.load_events(tmp_path / "wide.arrow").collect()


def naive_noise(frame, period):
    last, kept = {}, []
    rows = frame.sort("t", maintain_order=True)
    for index, (x, y, t, _) in enumerate(rows.rows()):
        before = last.get((x, y))
        if before is None or t - before > datetime.timedelta(microseconds=period):
            kept.append(index)
        last[x, y] = t
    return rows[kept]


@given(made=columns(most=60), period=strategies.integers(0, 3_000), signed=strategies.booleans(), more=strategies.booleans())
def test_noise(made, period, signed, more):
    frame = frame_of((made[0], made[1] % 4, made[2] % 3, made[3]), signed)
    if signed and (frame["polarity"] > 0).all():
        # Nothing tells a table of -1 and 1 from one of 0 and 1 then, and nothing has to.
        signed = False
    expected = naive_noise(frame, period)
    if more:
        frame, expected = (rows.with_columns(pl.lit("a").alias("label")) for rows in (frame, expected))
    made = evlib.filter_noise(frame, refractory_period_us=float(period)).collect()
    assert_frame_equal(made, expected)


@given(made=columns(most=60), percentile=strategies.sampled_from([0.0, 37.5, 50.0, 90.0, 99.9, 100.0]), more=strategies.booleans())
def test_hot_pixels(made, percentile, more):
    frame = frame_of((made[0], made[1] % 5, made[2] % 3, made[3]))
    counts = {}
    for x, y, *_ in frame.rows():
        counts[x, y] = counts.get((x, y), 0) + 1
    if counts:
        limit = pl.Series(list(counts.values())).quantile(percentile / 100)
        expected = frame.filter([counts[x, y] <= limit for x, y, *_ in frame.rows()])
    else:
        expected = frame
    if more:
        frame, expected = (rows.with_columns(pl.lit(1).alias("label")) for rows in (frame, expected))
    assert_frame_equal(evlib.filter_hot_pixels(frame, percentile).collect(), expected)


def test_filters_take_paths_tables_and_events(tmp_path):
    path = tmp_path / "events.raw"
    px.sample().write(path, format="evt3")
    table = evlib.load_events(path).collect()
    for events in (path, str(path), table, table.lazy(), px.sample()):
        assert evlib.filter_by_polarity(events, 1).collect().height == 500
        assert evlib.filter_by_polarity(events, [1, -1]).collect().height == 1_000
        assert evlib.filter_by_time(events, 0.01, 0.02).collect().height == 101
        assert evlib.filter_by_roi(events, 0, 20, 0, 47).collect().height == table.filter(pl.col("x") <= 20).height
        assert evlib.filter_multiple_rois(events, [(0, 20, 0, 47), (10, 63, 0, 47)]).collect().height == 1_000
        assert evlib.filter_multiple_rois(events, []).collect().height == 1_000
        active = evlib.filter_by_activity(events).collect()
        assert active.height == len(px.sample().background_activity(neighbours="8"))
        # What is asked of the lazy table is asked of what was kept.
        quiet = evlib.filter_noise(events)
        some = quiet.filter(pl.col("x") < 20).select("t", "x")
        whole = quiet.collect().filter(pl.col("x") < 20).select("t", "x")
        assert_frame_equal(some.collect(), whole)
        assert_frame_equal(some.head(7).collect(), whole.head(7))
        assert_frame_equal(quiet.head(7).collect(), quiet.collect().head(7))
        cleaned = evlib.preprocess_events(events, t_start=0.01, roi=(0, 40, 0, 40), polarity=1).collect()
        assert set(cleaned["polarity"]) == {1}
    for wrong in (3, None, [1, 2]):
        with pytest.raises(ValueError, match="has no events"):
            evlib.filter_by_time(wrong)
    with pytest.raises(ValueError, match="x_min is 5"):
        evlib.filter_by_roi(table, 5, 1, 0, 1)
    with pytest.raises(ValueError, match="no method 'correlation'"):
        evlib.filter_noise(table, method="correlation")


def dense_voxels(frame, height, width, bins):
    grid = np.zeros((bins, 1, height, width))
    rows = frame.sort("t", maintain_order=True)
    t = rows["t"].dt.total_microseconds().to_numpy().astype(float)
    span = t[-1] - t[0]
    for x, y, time, polarity in zip(rows["x"], rows["y"], t, rows["polarity"]):
        if x >= width or y >= height:
            continue
        at = (time - t[0]) / span * bins if span else 0.0
        left, part = int(at), at - int(at)
        sign = 1.0 if polarity > 0 else -1.0
        for place, share in ((left, 1 - part), (left + 1, part)):
            if place < bins:
                grid[place, 0, y, x] += sign * share
    return grid


def test_a_table_in_order_is_cut_like_any_other():
    t = np.sort(np.random.default_rng(3).integers(-50, 50, 400)) * 1000
    table = pl.DataFrame({"t": pl.Series(t).cast(pl.Duration("us")), "x": np.arange(400, dtype=np.int16)})
    in_order = table.with_columns(pl.col("t").set_sorted())
    for start, stop in [(None, None), (0.0, None), (None, -0.0101), (-0.02, 0.03), (0.03, 0.02), (-1e30, 1e30), (9.0, 10.0)]:
        given = [bound if bound is None else min(max(bound, -1e9), 1e9) for bound in (start, stop)]
        expected = evlib.filter_by_time(table, *given).collect()
        made = evlib.filter_by_time(in_order, start, stop).collect()
        assert made.equals(expected), (start, stop)
        assert made["t"].flags["SORTED_ASC"]
    assert evlib.filter_by_time(in_order.clear(), 0.0, 1.0).collect().is_empty()


@given(made=columns(most=60), bins=strategies.integers(1, 6), size=strategies.tuples(strategies.integers(1, 48), strategies.integers(1, 64)))
def test_voxel_grids(made, bins, size):
    frame = frame_of(made)
    assume(frame.height)
    grid = evlib.densify_voxel_grid(evlib.create_voxel_grid(frame, *size, bins), bins, *size)
    np.testing.assert_allclose(grid, dense_voxels(frame, *size, bins), atol=1e-9)


@given(made=columns(most=60), bins=strategies.integers(1, 6), signed=strategies.booleans())
def test_event_frames_and_histograms(made, bins, signed):
    frame = frame_of(made, signed)
    assume(frame.height)
    t = frame["t"].dt.total_microseconds().to_numpy()
    counts = np.zeros((bins, 2, 40, 50), np.int64)
    windows = {}
    step = (t.max() - t.min()) // bins
    for x, y, time, polarity in zip(frame["x"], frame["y"], t, frame["polarity"]):
        if x < 50 and y < 40:
            place = (time - t.min()) // step if step else 0
            if place < bins:
                counts[place, int(polarity > 0), y, x] += 1
            key = ((time - t.min()) // 5_000, polarity, y, x)
            windows[key] = windows.get(key, 0) + 1
    made = evlib.densify_event_frame(evlib.create_event_frame(frame, 40, 50, bins), bins, 2, 40, 50)
    np.testing.assert_array_equal(made, counts)
    table = evlib.create_stacked_histogram(frame, 40, 50, bins=2, window_duration_ms=5.0)
    assert {row[:4]: row[4] for row in table.rows()} == {key: count for key, count in windows.items() if key[0] < 2}


def test_time_surfaces_fade():
    frame = frame_of((np.array([0, 10, 40, 95]), *[np.array([0, 0, 1, 0], np.uint16)] * 2, np.array([1, 1, 0, 1], np.uint8)))
    table = evlib.create_time_surface(frame, 2, 2, dt=30.0, tau=20.0)
    assert table.rows() == [(0, 1, 0, 0, 10.0), (1, 0, 1, 1, 40.0)]
    dense = evlib.densify_time_surface(table, 3, 2, 2, 2, 30.0, 20.0, 0.0)
    np.testing.assert_allclose(dense[:, 1, 0, 0], np.exp(-(np.array([30, 60, 90]) - 10) / 20))
    np.testing.assert_allclose(dense[:, 0, 1, 1], [0, np.exp(-1.0), np.exp(-2.5)])
    surface = evlib.representations.time_surface(frame, 2, 2, tau=20.0).sort("x", "polarity")
    np.testing.assert_allclose(surface["surface_value"], [1.0, np.exp(-55 / 20)])
    assert surface["event_count"].to_list() == [3, 1]


def test_sums_do_not_overflow():
    frame = pl.concat([frame_of((np.arange(300), *[np.zeros(300, np.uint16)] * 2, np.ones(300, np.uint8)))])
    assert evlib.create_mixed_density_stack(frame, 1, 1).rows() == [(0, 0, 300, 300)]
    histogram = evlib.representations.event_histogram(frame, 1, 1)
    assert histogram.rows() == [(0, 0, 1, 300, sum(range(300)))]


def test_empty_tables():
    frame = pl.DataFrame(schema=SCHEMA)
    assert evlib.preprocess_events(frame).collect().height == 0
    for made in (
        evlib.create_voxel_grid(frame, 4, 4), evlib.create_event_frame(frame, 4, 4), evlib.create_stacked_histogram(frame, 4, 4),
        evlib.create_time_surface(frame, 4, 4, 10.0, 10.0), evlib.create_mixed_density_stack(frame, 4, 4),
    ):
        assert made.height == 0


def test_formats_and_texts(tmp_path):
    events = px.sample()
    path = tmp_path / "out.txt"
    evlib.save_events_to_text(events.x, events.y, events.t / 1e6, events.p.astype(np.int8) * 2 - 1, path)
    loaded = evlib.load_events(path).collect()
    assert loaded["t"].dt.total_microseconds().to_list() == events.t.tolist()
    assert loaded["polarity"].to_list() == events.p.tolist()
    name, confidence, found = evlib.detect_format(path)
    assert name == "Text" and 0 < confidence <= 1 and found["parallax_id"] == "rpg"
    assert evlib.get_format_description("EVT2") == "Prophesee EVT 2.0 (RAW)"
    with pytest.raises(ValueError, match="no format is called"):
        evlib.get_format_description("EVT9")
    (tmp_path / "swapped.csv").write_text("5,7,1,100\n6,8,0,200\n")
    loaded = evlib.formats.load_events(tmp_path / "swapped.csv", x_col=0, y_col=1, p_col=2, t_col=3).collect()
    assert loaded.rows() == [(5, 7, datetime.timedelta(microseconds=100), 1), (6, 8, datetime.timedelta(microseconds=200), 0)]
    with pytest.raises(ValueError, match="not all named"):
        evlib.formats.load_events(path, x_col=0)


def test_chunks_follow_the_memory(monkeypatch):
    assert streaming.chunk_of(5, None) == 5 and streaming.chunk_of(None, 1e6) == 1 << 20
    assert streaming.chunk_of(None, 1.0) == 25_641 and streaming.chunk_of(None, 0.0) == 8_192
    monkeypatch.setattr(streaming, "free_memory", lambda: 40_000_000)
    assert streaming.chunk_of(None, None) == 10_000_000 // 39
    with pytest.warns(ResourceWarning, match="Filter by time"):
        streaming.warn_if_large(10_000_000, "night.raw")
    monkeypatch.setattr(streaming, "free_memory", lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        streaming.warn_if_large(10**12, "night.raw")
    assert streaming.chunk_of(None, None) == 1 << 20


def test_what_the_memory_holds_is_loaded_at_once(monkeypatch):
    monkeypatch.setattr(streaming, "free_memory", lambda: 40_000_000)
    assert not streaming.in_chunks(100, 100, 5, 0.0), "not above the threshold"
    assert streaming.in_chunks(101, 100, 5, None), "chunks are asked for"
    assert not streaming.in_chunks(10_000_000 // 14, 100, None, None)
    assert streaming.in_chunks(10_000_000 // 14 + 1, 100, None, None)
    assert not streaming.in_chunks(1_000_000, 100, None, 14.0) and streaming.in_chunks(1_000_001, 100, None, 14.0)
    assert streaming.in_chunks(200_000_001, 100, None, 1e9), "polarities twice would be too many"
    monkeypatch.setattr(streaming, "free_memory", lambda: None)
    assert streaming.in_chunks(101, 100, None, None), "nobody knows"


def test_what_is_not_wanted_whole_passes_in_chunks(tmp_path, monkeypatch):
    from parallax.evlib import loading

    path = tmp_path / "events.raw"
    px.sample().write(path, format="evt3")
    ways = []
    read_frame = loading._native.read_frame
    spy = lambda path, options, spec, *more: ways.append(spec["streaming"]) or read_frame(path, options, spec, *more)
    monkeypatch.setattr(loading._native, "read_frame", spy)
    rows = evlib.load_events(path, sort=False, streaming_threshold=100)
    assert rows.collect().height == 1000 and rows.head(7).collect().height == 7
    assert rows.filter(pl.col("x") < 10).collect().height < 1000
    assert ways == [False, True, True]


def test_profiles_end_in_a_recommendation(tmp_path, capsys, monkeypatch):
    path = tmp_path / "events.raw"
    px.sample(200_000).write(path, format="evt3")
    assert streaming.expected_events(str(path)) == pytest.approx(200_000, rel=0.05)
    assert evlib.profile_loading_performance(path, streaming_threshold=100_000, runs=1, quiet=True).chosen == "direct"
    # Room for the table, and a quarter of it does not hold all at once.
    monkeypatch.setattr(streaming, "free_memory", lambda: 5_000_000)
    profile = evlib.profile_loading_performance(path, streaming_threshold=100_000, runs=1)
    assert profile.events == 200_000 and profile.chosen == "streaming"
    said = capsys.readouterr().out
    assert "recommendation:" in said and "Mev/s" in said and profile.recommendation in said


def test_a_script_of_evlib_runs_with_another_import(tmp_path):
    """The gist of evlib's own quick start."""
    path = str(tmp_path / "data.raw")
    px.sample().write(path, format="evt2")
    events = evlib.load_events(path)
    filtered = events.filter(
        (pl.col("t").dt.total_microseconds() / 1_000_000 > 0.01)
        & (pl.col("t").dt.total_microseconds() / 1_000_000 < 0.02)
        & (pl.col("polarity") == 1)
    )
    assert filtered.collect().height == 50
    filtered = evlib.filtering.filter_by_time(events, t_start=0.01, t_end=0.02)
    filtered = evlib.filtering.filter_by_polarity(filtered, polarity=1)
    histogram = evlib.create_stacked_histogram(filtered, height=48, width=64)
    assert histogram.columns == ["time_bin", "polarity", "y", "x", "count"] and histogram["count"].sum() == 50
