"""Data sets in PyTorch's loader. Run by `cargo xtask test --torch`."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import parallax as px
from parallax.torch import Padded, StreamDataset, WindowDataset, collate


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"{name}.raw" for name in "abcd"]
    for path in paths:
        px.sample().write(path, format="evt3")
    return paths


@pytest.mark.parametrize("workers", [0, 2])
def test_windows_in_a_loader(files, workers):
    windows = WindowDataset(files, count=100, transform=px.frame(), labels=[0, 1, 2, 3])
    loader = DataLoader(windows, batch_size=8, collate_fn=collate, num_workers=workers)
    batches = list(loader)
    assert [frames.shape[0] for frames, _ in batches] == [8] * 5
    assert all(frames.dtype == torch.int32 and frames.shape[1:] == (2, 48, 64) for frames, _ in batches)
    assert sum(int(frames.sum()) for frames, _ in batches) == 4_000
    assert torch.cat([labels for _, labels in batches]).bincount().tolist() == [10] * 4


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_is_read_once_by_all_workers_together(files, workers):
    stream = StreamDataset(files, count=100, labels=[0, 1, 2, 3])
    batches = list(DataLoader(stream, batch_size=4, collate_fn=collate, num_workers=workers))
    assert all(isinstance(events, Padded) for events, _ in batches)
    assert sum(int(events.lengths.sum()) for events, _ in batches) == 4_000
    assert torch.cat([labels for _, labels in batches]).bincount().tolist() == [10] * 4


def test_tensors_share_memory(files):
    windows = WindowDataset(files[:1], transform=px.frame())
    tensor = windows[0]
    assert isinstance(tensor, torch.Tensor)
    batch = collate([px.sample(3), px.sample(5)])
    assert batch.values["t"].shape == (2, 5) and batch.values["x"].dtype == torch.int16
    np.testing.assert_array_equal(batch.values["t"][1], px.sample(5).t)


def test_a_model_learns_from_a_loader(files):
    """The gist of a training loop, unchanged but for the data set."""
    labels = [0, 1, 0, 1]
    windows = WindowDataset(files, length="20ms", transform=px.voxel(bins=2), labels=labels)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(2))
    model(windows[0][0][None])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for frames, targets in DataLoader(windows, batch_size=4, shuffle=True, collate_fn=collate):
        loss = torch.nn.functional.cross_entropy(model(frames), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.isfinite(loss)
