"""Files of graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch


def write(path: Path, *, edges: bool = True, count: int = 120) -> Path:
    """Rings of nodes; those with many nodes of kind 2 are positive."""
    generator = np.random.default_rng(0)
    y = (np.arange(count) % 6 == 0).astype(np.int64)
    content: dict[str, Any] = {"x": [], "edge_index": [], "edge_attr": [], "y": torch.from_numpy(y)}
    for label in y:
        size = int(generator.integers(4, 9))
        kinds = generator.choice(3, size=size, p=[0.2, 0.2, 0.6] if label else [0.6, 0.3, 0.1])
        content["x"].append(torch.from_numpy(np.stack([kinds, generator.integers(0, 2, size=size)], 1)))
        ring = torch.arange(size)
        content["edge_index"].append(torch.stack([ring, ring.roll(1)]))
        content["edge_attr"].append(torch.from_numpy(generator.integers(0, 4, size=(size, 1))))
    if not edges:
        del content["edge_attr"]
    torch.save(content, path)
    return path
