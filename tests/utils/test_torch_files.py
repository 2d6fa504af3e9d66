from __future__ import annotations

import os
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from automax_lightning.utils.torch_files import damage_in, plain_values


class Traced:
    """Whoever unpickles it makes a directory."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["TRACE"],)


class Stateful(dict[str, int]):
    """Built, filled and given a state when it is unpickled."""

    def __init__(self) -> None:
        super().__init__(a=1)
        self.extra = 2


def test_plain_values_are_read_and_nothing_else_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACE", str(tmp_path / "trace"))
    saved = {
        "plain": {"a": [1, 2.5, None, True], "b": (float("inf"), "x")}, "tensor": torch.ones(3), "object": Traced(),
        "ordered": OrderedDict(a=torch.ones(1)), "stateful": Stateful(), "set": {1, 2}, "class": Path,
        "linear": torch.nn.Linear(2, 1),
    }  # fmt: skip
    torch.save(saved, tmp_path / "file")
    assert plain_values(tmp_path / "file")["plain"] == saved["plain"]
    assert set(plain_values(tmp_path / "file")) == set(saved)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("content", [b"", b"no file of torch"])
def test_another_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(zipfile.BadZipFile, match="not a zip file"):
        plain_values(tmp_path / "file")


def test_a_changed_byte_and_a_missing_end_are_noticed(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(1000)}, tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    assert damage_in(tmp_path / "file") is None
    (tmp_path / "file").write_bytes(content[:2000] + b"\1" + content[2001:])
    assert torch.load(tmp_path / "file", weights_only=True)["weights"].any()  # torch takes it
    assert damage_in(tmp_path / "file") == "file/data/0 has another checksum"
    (tmp_path / "file").write_bytes(content[:2000])
    assert damage_in(tmp_path / "file") == "File is not a zip file"
