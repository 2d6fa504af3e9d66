"""Data sets that are not there, and names that nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from automax_lightning.errors import ConfigError, DataError
from automax_lightning.recipes.datasets.loaders import NAMED
from tests.support.recipes import data


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"digits"}))
def test_data_that_are_not_there_are_an_error_that_says_where_to_put_which_file(name: str, tmp_path: Path) -> None:
    kwargs = {} if name in ("melanoma", "chexpert") else {"download": False}
    with pytest.raises(DataError, match=rf"dataset .*expected .*{tmp_path}.*(Unpack|Put) .*{tmp_path}"):
        data(name, root_path=str(tmp_path), **kwargs)
    assert not list(tmp_path.iterdir())


def test_unknown_names_have_a_neighbour_and_missing_paths_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'pneumoniamnist'"):
        data("pneumonia_mnist")
    for name, advice in (("ddsm", "labels.csv"), ("ogbg-molhiv", "FILE.pt")):
        with pytest.raises(ConfigError, match=f"read by name, found '{name}'.*{advice}"):
            data(name)
    with pytest.raises(DataError, match="dataset.name: expected an existing file"):
        data(tmp_path / "no.csv")
