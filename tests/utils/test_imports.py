"""What is not installed is named, with the command that installs it."""

from __future__ import annotations

import pytest

from automax_lightning.errors import ConfigError, DataError, ReportError
from automax_lightning.utils.imports import need_extra, require


def test_what_is_installed_is_enough() -> None:
    require("json", "pathlib", extra="recipes", where="a")
    require(extra="recipes", where="a")


def test_only_what_is_missing_is_named() -> None:
    wanted = (
        r"^a\.yaml: expected json and no_such_partner, found no no_such_partner\. .*pip install \"automax-lightning\[recipes\]\"$"
    )
    with pytest.raises(ConfigError, match=wanted):
        require("json", "no_such_partner", extra="recipes", where="a.yaml")


def test_the_error_is_the_callers() -> None:
    with pytest.raises(DataError, match="no no_such_partner"):
        require("no_such_partner", extra="recipes", where="dataset", error=DataError)


def test_the_report_has_an_extra_of_its_own() -> None:
    with pytest.raises(ReportError, match=r"automax-lightning\[report\]"):
        need_extra("AutoMAX.report", ("no_such_partner",))
