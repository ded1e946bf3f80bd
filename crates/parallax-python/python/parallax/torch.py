"""`parallax.data` for PyTorch: data sets that its loader takes, and batches of tensors over the same memory.

``DataLoader(WindowDataset(..), batch_size=8, collate_fn=collate, num_workers=2)`` is all there is to it. Decoding and operators run
without the GIL, so threads and worker processes both help.
"""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import numpy as np
import torch as _torch
from torch.utils.data import Dataset as _Dataset
from torch.utils.data import IterableDataset as _IterableDataset
from torch.utils.data import get_worker_info as _get_worker_info

from . import data as _data
from .data import Padded
from ._tensor import Tensor

__all__ = ["Padded", "StreamDataset", "WindowDataset", "collate"]


class WindowDataset(_data.WindowDataset, _Dataset):  # type: ignore[misc]
    """`parallax.data.WindowDataset` whose tensors are PyTorch's, over the same memory."""

    def __getitem__(self, index: int) -> Any:
        return _to_torch(super().__getitem__(index))


class StreamDataset(_IterableDataset):  # type: ignore[misc]
    """`parallax.data.StreamDataset` whose tensors are PyTorch's; the workers of a loader share the recordings."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__()
        self._stream = _data.StreamDataset(*arguments, **options)

    def __iter__(self) -> Iterator[Any]:
        index, count = self._stream.shard
        worker = _get_worker_info()
        if worker is not None:
            index, count = index + count * worker.id, count * worker.num_workers
        return map(_to_torch, self._stream.of_shard(index, count))


def collate(samples: Sequence[Any], *, pad: float = 0) -> Any:
    """`parallax.data.collate`, as tensors of PyTorch.

    Parameters
    ----------
    samples, pad
        As for `parallax.data.collate`.

    Returns
    -------
    torch.Tensor, Padded, tuple or dict
    """
    return _to_torch(_data.collate(samples, pad=pad))


def _to_torch(made: Any) -> Any:
    """Arrays and tensors as PyTorch sees them, wherever they stand."""
    if isinstance(made, Tensor):
        return made.to_torch()
    if isinstance(made, np.ndarray) and made.dtype.kind in "biuf":
        return _torch.from_numpy(made)
    if isinstance(made, Padded):
        return Padded(_to_torch(made.values), _to_torch(made.lengths))
    if type(made) is dict:
        return {name: _to_torch(value) for name, value in made.items()}
    if type(made) is tuple:
        return tuple(_to_torch(value) for value in made)
    return made
