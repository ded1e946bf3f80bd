"""Data sets: the windows are the reader's own, batches are NumPy's; JAX takes them."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import jax.numpy
import numpy as np
import pytest
from conftest import columns
from hypothesis import assume, given, settings, strategies

import parallax as px
from parallax.data import Padded, StreamDataset, WindowDataset, collate


@pytest.fixture
def files(tmp_path):
    events = px.sample()
    paths = [tmp_path / f"{name}.raw" for name in "abc"]
    for path, part in zip(paths, (events, events[:400], events[300:])):
        part.write(path, format="evt3")
    return paths


@settings(max_examples=20)
@given(
    made=columns(most=40, in_order=True),
    length=strategies.integers(1_000, 8_000),
    overlap=strategies.integers(0, 4_000),
    incomplete=strategies.booleans(),
)
def test_windows_of_time_are_those_of_the_events(tmp_path, made, length, overlap, incomplete):
    assume(len(made[0]))
    overlap %= length // 2 + 1
    path = tmp_path / "events.npz"
    events = px.Events.from_numpy(*made, width=64, height=48)
    events.write(path, overwrite=True)
    windows = WindowDataset(path, length=length, overlap=overlap, incomplete=incomplete)
    expected = list(events.by_time(length, overlap=overlap, incomplete=incomplete))
    assert len(windows) == len(expected)
    for one, other in zip(windows, expected):
        np.testing.assert_array_equal(one.t, other.t)
        np.testing.assert_array_equal(one.x, other.x)


@settings(max_examples=20)
@given(made=columns(most=60), count=strategies.integers(1, 50), overlap=strategies.integers(0, 40), incomplete=strategies.booleans())
def test_windows_of_events_are_those_of_the_events(tmp_path, made, count, overlap, incomplete):
    assume(len(made[0]))
    overlap %= count
    path = tmp_path / "events.npz"
    events = px.Events.from_numpy(*made, width=64, height=48)
    events.write(path, overwrite=True)
    windows = WindowDataset(path, count=count, overlap=overlap, incomplete=incomplete)
    expected = list(events.by_count(count, overlap=overlap, incomplete=incomplete))
    assert [len(window) for window in windows] == [len(window) for window in expected]
    for one, other in zip(windows, expected):
        np.testing.assert_array_equal(one.t, other.t)


def test_indices_labels_and_transforms(files):
    windows = WindowDataset(files, count=100, transform=px.frame(), labels=["a", "b", "c"])
    assert len(windows) == 10 + 4 + 7
    assert [windows[index][1] for index in (0, 9, 10, 13, 14, 20, -1)] == ["a", "a", "b", "b", "c", "c", "c"]
    np.testing.assert_array_equal(windows[11][0], px.read(files[1])[100:200].frame())
    for index in (21, -22):
        with pytest.raises(IndexError):
            windows[index]
    named = WindowDataset(files, labels=lambda recording, events: (recording.name, len(events)))
    assert [label for _, label in named] == [("a.raw", 1_000), ("b.raw", 400), ("c.raw", 700)]
    pattern = WindowDataset(str(files[0].parent / "*.raw"), length="10ms")
    assert len(pattern) == 9 + 3 + 6


def test_windows_are_slices_without_a_copy(files):
    windows = WindowDataset(files[:1], count=100)
    first, second = windows[0], windows[1]
    assert second.t.ctypes.data == first.t.ctypes.data + 100 * 8


def test_the_cache_keeps_a_few_recordings(files, monkeypatch):
    import parallax.data as module

    reads = []
    read = module.read
    monkeypatch.setattr(module, "read", lambda source, **options: reads.append(source) or read(source, **options))
    windows = WindowDataset(files, count=100, cache=1)
    assert reads == files
    reads.clear()
    list(windows)
    assert reads == files, "each once, in order"
    list(WindowDataset(files, count=100, cache=3))
    assert reads == files * 2


def test_it_goes_to_other_processes_and_threads(files):
    windows = WindowDataset(files, count=100, transform=px.frame(), labels=[1, 2, 3])
    for other in (pickle.loads(pickle.dumps(windows)), copy.copy(windows)):
        assert len(other) == len(windows)
        np.testing.assert_array_equal(other[5][0], windows[5][0])
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda index: windows[index][0].numpy().sum(), range(len(windows))))
    assert made == [100] * len(windows)


def test_streams_are_shared_out(files):
    whole = [len(events) for events in StreamDataset(files, count=100)]
    assert whole == [100] * 21
    shards = [list(StreamDataset(files, count=100, shard=(index, 2), labels="abc")) for index in range(2)]
    assert [label for _, label in shards[0]] == ["a"] * 10 + ["c"] * 7
    assert [label for _, label in shards[1]] == ["b"] * 4
    assert sum(len(events) for events in StreamDataset(files)) == 2_100
    tensors = list(StreamDataset(files, length="20ms", transform=px.voxel(bins=2)))
    assert len(tensors) > 5 and all(isinstance(tensor, px.Tensor) for tensor in tensors)


def test_batches():
    events = px.sample()
    batch = collate([events[:3], events[:5]])
    assert batch.lengths.tolist() == [3, 5] and batch.values["t"].shape == (2, 5)
    assert batch.values["p"].dtype == np.int16 and batch.values["t"][0].tolist() == [0, 100, 200, 0, 0]
    stacked = collate([events[:10].frame(), events[10:].frame()])
    np.testing.assert_array_equal(stacked[1], events[10:].frame())
    assert stacked.shape == (2, 2, 48, 64) and jax.numpy.asarray(stacked).sum() == 1_000
    mixed = collate([{"x": np.ones((2, 3)), "label": 1}, {"x": np.ones((4, 3)), "label": 2}], pad=-1)
    assert isinstance(mixed["x"], Padded) and mixed["x"].values.shape == (2, 4, 3)
    assert (mixed["x"].values[0, 2:] == -1).all() and mixed["label"].tolist() == [1, 2]
    wide = px.Events.from_numpy([1], [40_000], [3], [1])
    assert collate([wide]).values["x"].tolist() == [[40_000]]
    assert jax.numpy.asarray(batch.values["x"]).shape == (2, 5)


def test_wrong_arguments_are_named(files):
    for options, match in (
        (dict(length="10ms", count=3), "both"),
        (dict(count=3, overlap=3), "cannot overlap"),
        (dict(length="10ms", overlap="10ms"), "cannot overlap"),
        (dict(count=3, overlap="1ms"), "`overlap` cannot be"),
        (dict(labels=[1]), "1 labels and 3 recordings"),
    ):
        with pytest.raises(px.ParamError, match=match):
            WindowDataset(files, **options)
    with pytest.raises(px.ParamError, match="`shard`"):
        StreamDataset(files, shard=(2, 2))
    with pytest.raises(px.ParamError, match="time goes back"):
        WindowDataset(b"t,x,y,p\n10,3,4,1\n5,3,4,0\n", length=3)
    with pytest.raises(px.ParamError, match="do not fit together"):
        collate([np.ones((2, 3)), np.ones((2, 4))])
    with pytest.raises(px.ParamError, match="no samples"):
        collate([])
