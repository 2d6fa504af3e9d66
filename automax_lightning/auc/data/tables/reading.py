"""A table from a file of any usual kind, a folder of Parquet files, or an address; what cannot be read is named in one line."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from automax_lightning.auc.data.tables.numbers_in_text import with_numbers
from automax_lightning.errors import DataError, closest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

Location = str | Path
"""A `Path` on this machine, or a text with ``://``."""


@runtime_checkable
class _OtherTable(Protocol):
    def to_pandas(self) -> Any:
        """The same table."""


_WHERE = "TabularDataModule.path"
_FIELDS = "as many fields in each row as in the header"
_TEXT = (".csv", ".tsv", ".txt", ".data")
_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zip": "zip"}
_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE = 1 << 16


@dataclasses.dataclass(frozen=True)
class Reading:
    """How text files are read; what is None is guessed from the file.

    Args:
        sep: between two fields, such as ``";"``.
        decimal: decimal mark, ``"."`` or ``","``.
        thousands: mark between groups of three digits, such as ``"."``.
        encoding: such as ``"utf-8"`` or ``"cp1252"``.
    """

    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None

    def read(self, location: Location) -> tuple[Any, Any]:
        """The table at a place, and its labels where the file keeps them apart, as ``.npz`` does.

        Args:
            location: of a file, a folder of Parquet files, or an address.

        Returns:
            A DataFrame or, of ``.npz``, the array ``X``; the array ``y``, or None.

        Raises:
            DataError: if it cannot be read as what its name says.
        """
        with _named(location):
            kind = kind_of(location)
            if kind in _TEXT:
                return checked(self._text(location), str(location)), None
            content: Any = _content(location) if is_address(location) else location
            table, labels = _READERS[kind](content)
            return (checked(table, str(location)) if labels is None else table), labels

    def _text(self, location: Location) -> pd.DataFrame:
        import pandas as pd

        sample = _sample(location)
        if not sample.strip():
            raise DataError(_WHERE, "a table", f"the empty file {location}", "Check how it was written.")
        encoding = self.encoding or _encoding(sample, str(location))
        sep = self.sep or _separator(sample.decode(encoding, "replace"), location)
        _check_header(sample.decode(encoding, "replace"), sep, location)
        marks = {"decimal": self.decimal, "thousands": self.thousands}
        given: dict[str, Any] = {name: mark for name, mark in marks.items() if mark is not None}

        def read(encoding: str) -> pd.DataFrame:
            content: Any = _content(location) if is_address(location) else location
            table: pd.DataFrame = pd.read_csv(content, sep=sep, encoding=encoding, compression=_compression(location), **given)
            return table

        try:
            table = read(encoding)
        except UnicodeDecodeError:
            if self.encoding is not None:
                raise
            encoding = "cp1252"  # what is no UTF-8 comes from a spreadsheet on Windows, as a rule
            table = read(encoding)
        _check_rows(table, location, sep, encoding)
        return table if given else with_numbers(table, is_comma_free=sep != ",")


def location_of(path: str | os.PathLike[str]) -> Location:
    """An address stays a text, because a `Path` would lose a slash of it."""
    return path if isinstance(path, str) and is_address(path) else Path(path)


def is_address(location: Location) -> bool:
    """Whether a place is somewhere else, as ``https://...`` and ``s3://...`` are."""
    return isinstance(location, str) and "://" in location


def check_location(location: Location, where: str = _WHERE) -> None:
    """Raise if nothing is there, or if its name is none of a table; of an address only the name is looked at.

    Args:
        location: of the table.
        where: dotted path of the argument.

    Raises:
        DataError: with the closest name in the folder.
    """
    path = Path(location)
    if not is_address(location) and not path.exists():
        beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        fix = closest(path.name, beside[:1000]) if beside else ""
        raise DataError(where, "an existing file", str(location), fix if fix.startswith("Did") else "Check the path.")
    kind = kind_of(location)
    if kind not in (*_TEXT, *_READERS):
        raise DataError(
            where, "a .csv or .parquet file, or one of .tsv, .txt, .feather, .npz, .xlsx, or a folder of Parquet files",
            str(location), "Convert it.",
        )  # fmt: skip


def kind_of(location: Location) -> str:
    """The suffix that says how a file is read: lower case, without that of a compression; ``"folder"`` of a folder."""
    if isinstance(location, Path) and location.is_dir():
        return "folder" if any(location.glob("**/*.parquet")) else "folder without .parquet files"
    suffixes = [suffix.lower() for suffix in Path(str(location).partition("?")[0]).suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
        return suffixes[-1] if suffixes and suffixes[-1] in _TEXT else "compressed"
    return suffixes[-1] if suffixes else ""


def checked(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """The table, if each name is that of one column and there is a row.

    Args:
        table: as it was read.
        where: for the message.

    Raises:
        DataError: otherwise.
    """
    twice = sorted({str(name) for name in table.columns[table.columns.duplicated()]})
    if twice:
        raise DataError(where, "one column of each name", f"{twice[:5]} twice", "Rename or drop one of them.")
    if not len(table):
        raise DataError(where, "a table with rows", f"only the columns {list(table.columns)[:5]}", "Check how it was written.")
    return table


def as_frame(table: Any) -> Any:
    """A table of another library, polars or pyarrow, as a DataFrame; anything else as it is.

    Args:
        table: whatever was given.
    """
    return table.to_pandas() if isinstance(table, _OtherTable) else table


# Kinds of files -------------------------------------------------------------------------------------------------------


def _parquet(content: Any) -> tuple[Any, Any]:
    import pandas as pd

    return pd.read_parquet(content), None


def _feather(content: Any) -> tuple[Any, Any]:
    import pandas as pd

    return pd.read_feather(content), None


def _excel(content: Any) -> tuple[Any, Any]:
    import pandas as pd

    return pd.read_excel(content), None


def _npz(content: Any) -> tuple[Any, Any]:
    with np.load(content, allow_pickle=False) as file:
        if "X" not in file.files or "y" not in file.files:
            raise ValueError(f"it holds {sorted(file.files)} and not the arrays X and y")
        return file["X"], file["y"]


_READERS: Mapping[str, Callable[[Any], tuple[Any, Any]]] = {
    ".parquet": _parquet, ".pq": _parquet, "folder": _parquet, ".feather": _feather, ".xlsx": _excel, ".xls": _excel,
    ".ods": _excel, ".npz": _npz,
}  # fmt: skip


@contextmanager
def _named(location: Location) -> Iterator[None]:
    """Turn what readers raise into one line; a disk or a network that fails is none of the file's faults, and passes."""
    import pandas as pd

    expected = f"a file that can be read as {kind_of(location)}"
    try:
        yield
    except DataError:
        raise
    except ImportError as error:
        raise DataError(
            _WHERE, "an installed reader of this kind of file", f"{location}: {_line(error)}", "Install it."
        ) from error
    except FileNotFoundError as error:
        raise DataError(_WHERE, "an existing file", str(location), "Check the path.") from error
    except pd.errors.ParserError as error:
        raise DataError(
            _WHERE,
            _FIELDS,
            f"{location}: {_line(error)}",
            "Repair that line, or pass sep=.",
        ) from error
    except UnicodeError as error:
        raise DataError(_WHERE, "text", f"{location}: {_line(error)}", "Pass its encoding='utf-8' or another one.") from error
    except (ValueError, LookupError, EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise DataError(_WHERE, expected, f"{location}: {_line(error)}", "Check how it was written.") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


# Text -----------------------------------------------------------------------------------------------------------------


def _compression(location: Location) -> Any:
    return _COMPRESSED.get(Path(str(location).partition("?")[0]).suffix.lower())


def _content(location: Location) -> io.BytesIO:
    """All bytes at an address."""
    import fsspec  # comes with Lightning; what a protocol needs besides is named by it

    with fsspec.open(str(location), "rb") as file:
        return io.BytesIO(file.read())


def _sample(location: Location) -> bytes:
    """The first bytes of a file, decompressed."""
    import fsspec

    with fsspec.open(str(location), "rb", compression=_compression(location)) as file:
        sample: bytes = file.read(_SAMPLE)
    return sample


def _encoding(sample: bytes, location: str) -> str:
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in sample:
        raise DataError(_WHERE, "text", f"{location}, which holds null bytes", "Check what kind of file it is.")
    return "utf-8"


def _lines(text: str, sep: str) -> list[list[str]]:
    """The fields of the sample's rows; the last row of a full sample may be cut, and is left out."""
    rows = [row for row in csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=sep) if row]
    return rows[:-1] if len(text) >= _SAMPLE // 2 and len(rows) > 1 else rows


def _separator(text: str, location: Location) -> str:
    """The first separator that divides all rows of the sample alike; a comma where none does."""
    first = ("\t", *_SEPARATORS) if kind_of(location) == ".tsv" else _SEPARATORS
    for sep in first:
        counts = {len(row) for row in _lines(text, sep)}
        if len(counts) == 1 and counts != {1}:
            return sep
    return first[0]


def _check_header(text: str, sep: str, location: Location) -> None:
    """Raise where pandas would call a second column ``a.1``, or make row names of a field too many."""
    rows = _lines(text, sep)
    header = [name.strip() for name in rows[0]] if rows else []
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataError(_WHERE, "one column of each name", f"{twice[:5]} twice in {location}", "Rename or drop one of them.")
    if len(rows) > 1 and len(rows[1]) > len(header):
        found = f"{location}: {len(rows[1])} in the second row instead of {len(header)}"
        raise DataError(_WHERE, _FIELDS, found, "Name each column in the first line, or pass sep=.")


def _check_rows(table: pd.DataFrame, location: Location, sep: str, encoding: str) -> None:
    """Raise where pandas has filled short rows; only missing values at the end of some row can be that."""
    if table.shape[1] < 2 or not len(table) or not bool(table.iloc[:, -1].isna().any()):
        return
    import fsspec

    with fsspec.open(
        str(location), "rt", compression=_compression(location), encoding=encoding, newline="", errors="replace"
    ) as file:
        for number, row in enumerate(csv.reader(file, delimiter=sep), 1):
            if row and len(row) < table.shape[1]:
                found = f"{location}: {len(row)} instead of {table.shape[1]} in row {number}"
                raise DataError(_WHERE, _FIELDS, found, "Repair that line, or pass sep=.")
