"""Tensors: Rust's memory, Python's to write."""

import copy
import gc
import pickle

import jax
import jax.numpy
import numpy as np
import pytest

import parallax as px


@pytest.fixture
def tensor():
    return px.frame(px.sample())


def test_numpy_writes_into_the_same_memory(tensor):
    array = np.asarray(tensor)
    assert array.flags.writeable and array.dtype == np.int32
    array[1, 2, 3] = 41
    array += 1
    assert tensor[1, 2, 3] == 42 and tensor.numpy()[1, 2, 3] == 42
    tensor[0, 0, 0] = 9
    assert array[0, 0, 0] == 9
    assert array.ctypes.data == tensor.numpy().ctypes.data


def test_facts(tensor):
    assert (tensor.shape, tensor.ndim, len(tensor), tensor.dtype) == ((2, 48, 64), 3, 2, np.int32)
    assert tensor.nbytes == 2 * 48 * 64 * 4
    assert tensor.meta.geometry == (64, 48)
    assert tensor.time_span is not None and tensor.time_span[0] == 0


def test_dlpack_to_numpy_and_jax(tensor):
    array = np.from_dlpack(tensor)
    assert array.ctypes.data == tensor.numpy().ctypes.data
    assert array.flags.writeable
    theirs = jax.numpy.from_dlpack(tensor)
    np.testing.assert_array_equal(theirs, tensor.numpy())
    old = tensor.__dlpack__()
    assert '"dltensor"' in repr(old)


def test_jax_reads_columns():
    events = px.sample()
    for name in "xyp":
        # JAX asks for a DLPack that has no flag for read-only memory, so it is told to take a copy.
        with pytest.raises(BufferError, match="copy"):
            jax.numpy.from_dlpack(events.column(name))
        np.testing.assert_array_equal(jax.numpy.from_dlpack(getattr(events, name).copy()), getattr(events, name))


def test_a_view_outlives_the_tensor(tensor):
    expected = tensor.numpy().copy()
    views = [np.asarray(tensor), np.from_dlpack(tensor), np.from_dlpack(tensor)[0]]
    del tensor
    gc.collect()
    junk = np.full(expected.shape, 77, np.int32)
    for view in views:
        np.testing.assert_array_equal(view, expected[0] if view.ndim == 2 else expected)
    assert junk.size


def test_a_capsule_that_nobody_takes_is_let_go(tensor):
    for version in (None, (1, 0)):
        capsule = tensor.__dlpack__(max_version=version)
        del capsule
    gc.collect()
    assert tensor.numpy().sum() == 1_000


def test_copies_and_pickles_are_their_own(tensor):
    for other in (copy.copy(tensor), copy.deepcopy(tensor), pickle.loads(pickle.dumps(tensor, 5))):
        np.testing.assert_array_equal(other, tensor)
        assert (other.axes, other.time_span, other.meta) == (tensor.axes, tensor.time_span, tensor.meta)
        other[0, 0, 0] = -1
        assert tensor[0, 0, 0] != -1


def test_two_tensors_share_nothing():
    events = px.sample()
    first, second = events.frame(), events.frame()
    first[:] = 0
    assert second.numpy().sum() == 1_000
