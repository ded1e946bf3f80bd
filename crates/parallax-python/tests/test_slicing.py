"""Parts of events: every way to pick them gives what NumPy picks."""

from datetime import timedelta

import numpy as np
import pytest
from conftest import columns
from hypothesis import given, strategies

import parallax as px

ANY = strategies.one_of(strategies.none(), strategies.integers(-250, 250))


def same(events, made, pick):
    for name, column in zip("txyp", made):
        np.testing.assert_array_equal(getattr(events, name), column[pick])


@given(columns(), ANY, ANY, strategies.sampled_from([None, 1, 2, 3, -1, -2]))
def test_by_index(made, start, stop, step):
    same(px.Events.from_numpy(*made)[start:stop:step], made, slice(start, stop, step))


@given(columns(), strategies.randoms())
def test_by_mask(made, random):
    mask = np.array([random.random() < 0.5 for _ in made[0]], dtype=bool)
    same(px.Events.from_numpy(*made)[mask], made, mask)


@given(columns(), strategies.lists(strategies.integers(0, 10**6), max_size=20))
def test_by_indices(made, picked):
    picked = np.array([index % max(len(made[0]), 1) for index in picked if len(made[0])], dtype=np.intp)
    same(px.Events.from_numpy(*made)[picked], made, picked)


@given(columns(in_order=True), strategies.integers(-12_000, 12_000), strategies.integers(-12_000, 12_000))
def test_by_time(made, start, stop):
    events = px.Events.from_numpy(*made)
    mask = (made[0] >= start) & (made[0] < stop)
    same(events.between(start, stop), made, mask)
    same(events[f"{start}us" : f"{stop}us"] if start < stop else events[:0], made, mask)
    same(events.between(timedelta(microseconds=start), np.timedelta64(stop, "us")), made, mask)
    same(events.between(start), made, made[0] >= start)
    same(events.between(stop=stop), made, made[0] < stop)


@given(columns(in_order=True), strategies.integers(0, 30_000), strategies.integers(1, 30_000))
def test_by_time_from_the_first_event(made, start, length):
    t = made[0]
    first = t[0] if len(t) else 0
    mask = (t >= first + start) & (t < first + start + length)
    same(px.Events.from_numpy(*made)[f"+{start}us" : f"+{start + length}us"], made, mask)


@given(columns())
def test_the_canonical_order(made):
    t, x, y, p = made
    ordered = px.Events.from_numpy(*made).sorted()
    same(ordered, made, np.lexsort((p, x, y, t)))
    assert ordered.order == "strict" or not len(t)


@given(columns())
def test_one_event_and_all_of_them(made):
    events = px.Events.from_numpy(*made)
    listed = list(zip(*(column.tolist() for column in made)))
    assert list(events) == listed
    for index in range(-len(listed), len(listed)):
        assert events[index] == listed[index]


@given(columns(in_order=True), strategies.integers(200, 5_000), strategies.integers(0, 4_000))
def test_windows_of_time(made, length, overlap):
    overlap %= length // 2
    events = px.Events.from_numpy(*made)
    t = made[0]
    windows = list(events.by_time(length, overlap=overlap))
    if not len(t):
        return
    starts = np.arange(t[0], t[-1] - length + 1, length - overlap)
    assert [window.window.start for window in windows] == starts.tolist()
    for window, start in zip(windows, starts):
        same(window, made, (t >= start) & (t < start + length))
        assert window.window.stop == start + length and window.window.complete


@given(columns(), strategies.integers(1, 50))
def test_windows_of_events(made, count):
    windows = list(px.Events.from_numpy(*made).by_count(count, incomplete=True))
    assert len(windows) == -(-len(made[0]) // count)
    for index, window in enumerate(windows):
        same(window, made, slice(index * count, (index + 1) * count))


def test_wrong_picks_are_refused():
    events = px.sample()
    for pick, error in (
        (1_000, IndexError),
        (np.zeros(3, bool), IndexError),
        (np.array([0.5]), px.ParamError),
        (np.zeros((2, 2), int), px.ParamError),
        ("z", px.NotFoundError),
        (slice("1ms", "2ms", 2), px.ParamError),
        (slice("1 parsec", None), px.ParamError),
    ):
        with pytest.raises(error):
            events[pick]
    with pytest.raises(px.ParamError, match="order of time"):
        events[::-1].between(0, 10)
    with pytest.raises(px.ParamError, match="50 ns is not a whole number of us"):
        events.between("50ns")
    with pytest.raises(px.ParamError, match="`start` cannot be 1.5"):
        events.between(1.5)


def test_parts_of_parts_and_joining():
    events = px.sample()
    assert events[100:900][100:200].equals(events[200:300])
    assert px.concat(events.by_count(7, incomplete=True)).equals(events)
    with pytest.raises(px.ParamError):
        px.concat([])
    with pytest.raises(px.ParamError, match="do not concatenate"):
        px.concat([events, events.with_meta(width=100)])
