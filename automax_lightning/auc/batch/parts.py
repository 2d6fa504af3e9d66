"""Inputs, labels and index of a batch, whatever its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from automax_lightning.errors import DataError

LABEL_KEYS = ("labels", "label", "targets", "target", "y")
"""Where the labels of a mapping stand; the first that is there counts."""

_INDEX_KEY = "index"
_FORMS = "(x, y), (x, y, index), (x1, x2, ..., y), a mapping with 'labels', or a graph with y"


class Parts(NamedTuple):
    """What a batch holds.

    Args:
        inputs: what the network sees: one value, a tuple of them, a mapping without its labels, or a graph.
        targets: the labels.
        positions: of the samples in the training data, (N,); None where the batch does not tell.
    """

    inputs: Any
    targets: Any
    positions: Tensor | None


@runtime_checkable
class HasLabels(Protocol):
    """A graph, or another object that holds its own labels, as those of PyTorch Geometric do."""

    y: Any


def parts_of(batch: Any, num_labels: int = 1) -> Parts:
    """Inputs, labels and index of a batch.

    ================================  ====================================================================================
    batch                             is
    ================================  ====================================================================================
    ``(x, y)``                        input and labels; x may be a tuple or a mapping itself
    ``(x, y, index)``                 the same with the samples' positions: integers (N,), after labels of a label's shape
    ``(x1, x2, ..., y)``              several inputs, the labels last
    a mapping                         the labels are at the first of `LABEL_KEYS`, ``"index"`` is the index, the rest inputs
    an object with ``y``              a graph: the labels are its ``y``, the whole is the input
    ================================  ====================================================================================

    Args:
        batch: as a loader gives it.
        num_labels: columns of the labels, at least 1.

    Raises:
        DataError: if the batch has none of these forms.

    Example:
        >>> x, age, y = torch.randn(4, 3), torch.randn(4, 1), torch.tensor([0.0, 1.0, 0.0, 1.0])
        >>> parts_of((x, age, y)).targets is y, parts_of({"pixels": x, "labels": y}).inputs.keys()
        (True, dict_keys(['pixels']))
    """
    if isinstance(batch, (list, tuple)) and len(batch) >= 2:
        if len(batch) == 2:
            return Parts(batch[0], batch[1], None)
        if len(batch) == 3 and _is_index(batch[2]) and _has_shape_of_labels(batch[1], len(batch[2]), num_labels):
            return Parts(batch[0], batch[1], batch[2])
        if len(batch) == 3 and not isinstance(batch[2], Tensor):  # names of files, say
            return Parts(batch[0], batch[1], None)
        return Parts(tuple(batch[:-1]), batch[-1], None)
    if isinstance(batch, Mapping):
        return _of_mapping(batch)
    if isinstance(batch, HasLabels) and batch.y is not None:
        return Parts(batch, batch.y, None)
    raise DataError("batch", _FORMS, type(batch).__name__, "Return one of these from the dataset.")


def parts_of_rows(batch: Any, positions: Sequence[int]) -> Parts:
    """As `parts_of`, of a batch whose rows' positions are known.

    A third part counts as labels only where it can be nothing else: it is a tensor that holds 0, 1, -1 and NaN alone, and does
    not repeat the positions. Otherwise it is something beside ``(x, y)``: an index of the dataset's own, weights, names.

    Args:
        batch: as a collate function makes it.
        positions: of its rows in the dataset.

    Example:
        >>> x, y = torch.zeros(2, 3), torch.tensor([1, 0])
        >>> parts_of_rows((x, y, torch.tensor([7, 8])), [7, 8]).targets.tolist()
        [1, 0]
        >>> parts_of_rows((x, x, y), [7, 8]).targets.tolist()
        [1, 0]
    """
    index = torch.as_tensor(positions)
    if isinstance(batch, (list, tuple)) and len(batch) == 3:
        if not isinstance(batch[2], Tensor) or not are_labels(batch[2], index):
            return Parts(batch[0], batch[1], index)
        return Parts(tuple(batch[:2]), batch[2], index)
    return parts_of(batch)._replace(positions=index)


def are_labels(part: Tensor, positions: Tensor) -> bool:
    """Whether the third part of a batch, or of all samples, holds its labels; see `parts_of_rows`.

    Args:
        part: (N, ...).
        positions: of the rows, (N,).
    """
    if part.shape == positions.shape and torch.equal(part.to(positions.dtype), positions):
        return False
    values = part.reshape(-1).float()
    return bool(((values == 0) | (values.abs() == 1) | values.isnan()).all())


def inputs_of(batch: Any, num_labels: int = 1) -> Any:
    """What the network sees of a batch, which may come without labels.

    Args:
        batch: as for `parts_of`, or inputs alone: a tensor, a tuple of one, a mapping or a graph.
        num_labels: columns of the labels.

    Example:
        >>> inputs_of({"pixels": 1}), inputs_of({"pixels": 1, "labels": 2}), inputs_of([3])
        ({'pixels': 1}, {'pixels': 1}, 3)
    """
    if isinstance(batch, Mapping):
        return _without(batch, _label_key(batch))
    if isinstance(batch, (list, tuple)):
        return batch[0] if len(batch) == 1 else parts_of(batch, num_labels).inputs
    return batch


def label_of_sample(sample: Any) -> Any:
    """The label of one sample of a dataset, the last part of a tuple; None where its form tells none."""
    if isinstance(sample, (list, tuple)) and len(sample) >= 2:
        return sample[-1]
    if isinstance(sample, Mapping):
        key = _label_key(sample)
        return None if key is None else sample[key]
    return sample.y if isinstance(sample, HasLabels) else None


def rejoined(inputs: Any, targets: Any, like: Any) -> Any:
    """Inputs and labels as one batch again, of the form that a collate function gave them.

    Args:
        inputs: of `parts_of_rows`.
        targets: of `parts_of_rows`.
        like: a batch of the wanted form.

    Example:
        >>> rejoined({"pixels": 1}, 2, like={"pixels": 3, "label": 4}), rejoined((1, 2), 3, like=[4, 5, 6])
        ({'pixels': 1, 'label': 2}, (1, 2, 3))
    """
    if isinstance(like, Mapping):
        return {**inputs, str(_label_key(like)): targets}
    if isinstance(like, HasLabels):
        return inputs
    is_flat = isinstance(like, (list, tuple)) and len(like) > 2 and len(like) == len(inputs) + 1
    return (*inputs, targets) if is_flat else (inputs, targets)


def _of_mapping(batch: Mapping[str, Any]) -> Parts:
    key = _label_key(batch)
    if key is None:
        raise DataError(
            "batch", f"a mapping with one of the keys {list(LABEL_KEYS)}", f"only {sorted(map(str, batch))}",
            "Put the labels of a batch under 'labels'.",
        )  # fmt: skip
    return Parts(_without(batch, key), batch[key], batch.get(_INDEX_KEY))


def _label_key(batch: Mapping[str, Any]) -> str | None:
    return next((key for key in LABEL_KEYS if key in batch), None)


def _without(batch: Mapping[str, Any], key: str | None) -> dict[str, Any]:
    return {name: value for name, value in batch.items() if name not in (key, _INDEX_KEY)}


def _is_index(part: Any) -> bool:
    return isinstance(part, Tensor) and part.ndim == 1 and part.dtype in (torch.int64, torch.int32)


def _has_shape_of_labels(part: Any, length: int, num_labels: int) -> bool:
    return isinstance(part, Tensor) and part.shape in ((length,), (length, 1), (length, num_labels))
