"""PyTorch sees the same memory. Run by `cargo xtask test --torch`."""

import gc

import numpy as np
import torch

import parallax as px


def test_columns_are_views():
    events = px.sample()
    tensors = events.to_torch()
    assert [str(tensor.dtype) for tensor in tensors.values()] == ["torch.int64", "torch.int16", "torch.int16", "torch.uint8"]
    for name, tensor in tensors.items():
        assert tensor.data_ptr() == getattr(events, name).ctypes.data
        np.testing.assert_array_equal(tensor.numpy(), getattr(events, name))
    copied = events.to_torch(copy=True)
    copied["t"][0] = 5
    assert events.t[0] == 0


def test_what_does_not_fit_int16_is_int32():
    events = px.Events.from_numpy([1], [40_000], [3], [1])
    tensors = events.to_torch()
    assert tensors["x"].dtype == torch.int32 and tensors["x"].tolist() == [40_000]
    assert tensors["y"].dtype == torch.int16


def test_views_outlive_the_events():
    events = px.sample()
    expected, tensors = events.t.tolist(), events.to_torch()
    del events
    gc.collect()
    assert tensors["t"].tolist() == expected


def test_tensors_through_dlpack_and_numpy():
    counts = px.sample().frame()
    for tensor in (torch.from_dlpack(counts), counts.to_torch(), torch.from_numpy(np.asarray(counts))):
        assert tensor.data_ptr() == counts.numpy().ctypes.data
        tensor[0, 0, 0] = 41
        assert counts[0, 0, 0] == 41


def test_read_only_columns_through_dlpack():
    events = px.sample()
    try:
        tensor = torch.from_dlpack(events.column("t"))
    except BufferError as error:
        assert "copy" in str(error)
    else:
        assert tensor.tolist() == events.t.tolist()
