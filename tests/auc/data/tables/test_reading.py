"""Files as people have them: they are read, or one line says what to do."""

from __future__ import annotations

import gzip
import http.server
import sys
import threading
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from automax_lightning.auc.data.tables.reading import Reading, as_frame, check_location, checked, kind_of, location_of
from automax_lightning.errors import DataError

TABLE = pd.DataFrame({"a": [1.5, 2.5, -3.0], "name": ["x", "y, z", "ü"], "label": [0, 1, 0]})


def parts(path: Path) -> None:
    path.mkdir()
    TABLE.iloc[:2].to_parquet(path / "part-0.parquet", index=False)
    TABLE.iloc[2:].to_parquet(path / "part-1.parquet", index=False)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "d.csv": lambda path: TABLE.to_csv(path, index=False),
    "D.CSV": lambda path: TABLE.to_csv(path, index=False),
    "d.csv.gz": lambda path: TABLE.to_csv(path, index=False),
    "D.CSV.GZ": lambda path: path.write_bytes(gzip.compress(TABLE.to_csv(index=False).encode())),
    "d.tsv": lambda path: TABLE.to_csv(path, index=False, sep="\t"),
    "semicolons.csv": lambda path: TABLE.to_csv(path, index=False, sep=";"),
    "german.csv": lambda path: TABLE.to_csv(path, index=False, sep=";", decimal=","),
    "pipes.txt": lambda path: TABLE.to_csv(path, index=False, sep="|"),
    "windows.csv": lambda path: TABLE.to_csv(path, index=False, encoding="cp1252"),
    "mark.csv": lambda path: TABLE.to_csv(path, index=False, encoding="utf-8-sig"),
    "utf16.csv": lambda path: TABLE.to_csv(path, index=False, encoding="utf-16"),
    "d.parquet": lambda path: TABLE.to_parquet(path),
    "d.feather": lambda path: TABLE.to_feather(path),
    "folder": parts,
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_of_all_kinds_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    check_location(path)
    found, labels = Reading().read(path)
    pd.testing.assert_frame_equal(found, TABLE, check_dtype=False)
    assert labels is None


def test_what_is_set_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes("a;b\n1.234,5;ü\n2,0;é\n".encode("latin-1"))
    reading = Reading(sep=";", decimal=",", thousands=".", encoding="latin-1")
    assert reading.read(tmp_path / "d.csv")[0].to_dict("list") == {"a": [1234.5, 2.0], "b": ["ü", "é"]}
    (tmp_path / "e.csv").write_text("a;b\n1,2;3\n")
    assert Reading(sep=";", decimal=".").read(tmp_path / "e.csv")[0]["a"].tolist() == ["1,2"]


def test_arrays_keep_their_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", X=np.eye(3), y=[0, 1, 0])
    X, y = Reading().read(tmp_path / "d.npz")
    assert X.tolist() == np.eye(3).tolist()
    assert y.tolist() == [0, 1, 0]


def test_an_address_is_read(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "d.csv", index=False)
    TABLE.to_parquet(tmp_path / "d.parquet")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("d.csv", "d.parquet"):
            address = location_of(f"http://127.0.0.1:{server.server_port}/{name}")
            check_location(address)
            pd.testing.assert_frame_equal(Reading().read(address)[0], TABLE, check_dtype=False)
        with pytest.raises(DataError, match="an existing file, found http"):
            Reading().read(f"http://127.0.0.1:{server.server_port}/no.csv")
        server.shutdown()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.csv", b"", "expected a table, found the empty file"),
        ("d.csv", b" \n", "expected a table, found the empty file"),
        ("d.csv", b"a,b\n", "a table with rows, found only the columns"),
        ("d.csv", b"a,b\n1,2\n1,2,3\n", "as many fields in each row as in the header.*line 3.*pass sep="),
        ("d.csv", b"a,b\n1,2,3\n4,5,6\n", "as many fields.*3 in the second row instead of 2. Name each column"),
        ("d.csv", b"a,b,c\n1,2,3\n1,2\n", "as many fields.*2 instead of 3 in row 3"),
        ("d.csv", b"a,b, a\n1,2,3\n", r"one column of each name, found \['a'\] twice"),
        ("d.csv", b"\x00\x01\x02", "expected text, found .*null bytes"),
        ("d.csv.gz", b"a,b\n1,2\n", "a file that can be read as .csv"),
        ("d.parquet", b"no parquet", "a file that can be read as .parquet"),
        ("d.feather", b"no feather", "a file that can be read as .feather"),
        ("d.npz", b"no arrays", "a file that can be read as .npz"),
        ("d.xlsx", b"no sheet", "a file that can be read as .xlsx"),
    ],
)
def test_files_that_cannot_be_read_are_named_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        Reading().read(path)
    assert "\n" not in str(caught.value)


def test_an_encoding_that_is_wrong_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes("a,b\nü,1\n".encode("latin-1"))
    with pytest.raises(DataError, match="expected text.*Pass its encoding="):
        Reading(encoding="utf-8").read(tmp_path / "d.csv")
    with pytest.raises(DataError, match="unknown encoding: utf-9"):
        Reading(encoding="utf-9").read(tmp_path / "d.csv")


def test_arrays_of_other_names_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", features=np.eye(3))
    with pytest.raises(DataError, match=r"it holds \['features'\] and not the arrays X and y"):
        Reading().read(tmp_path / "d.npz")


@pytest.mark.parametrize(("name", "package"), [("d.xlsx", "openpyxl"), ("d.parquet", "pyarrow"), ("d.feather", "pyarrow")])
def test_a_reader_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as file:
        file.writestr("xl/workbook.xml", "")
    for module in ("openpyxl", "pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=f"an installed reader.*{package}.*Install it"):
        Reading().read(tmp_path / name)


def test_a_protocol_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(DataError, match="an installed reader.*s3fs"):
        Reading().read("s3://bucket/d.csv")


def test_a_wrong_path_is_named_with_the_closest_file(tmp_path: Path) -> None:
    (tmp_path / "cancer.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="an existing file, found .*cancr.csv. Did you mean 'cancer.csv'"):
        check_location(tmp_path / "cancr.csv")
    with pytest.raises(DataError, match="Check the path"):
        check_location(tmp_path / "nowhere" / "d.csv")
    for name in ("d.doc", "d.parquet.gz", "empty"):
        (tmp_path / name).mkdir() if name == "empty" else (tmp_path / name).touch()
        with pytest.raises(DataError, match="a .csv or .parquet file, or one of .*Convert it"):
            check_location(tmp_path / name)


def test_the_name_says_the_kind() -> None:
    assert kind_of("https://a.org/D.CSV.gz?raw=1") == ".csv"
    assert kind_of(Path("a.b.parquet")) == ".parquet"


def test_tables_of_other_libraries_become_frames() -> None:
    pd.testing.assert_frame_equal(as_frame(pa.table({"a": [1, 2]})), pd.DataFrame({"a": [1, 2]}))
    assert as_frame(TABLE) is TABLE
    assert as_frame(None) is None


def test_two_columns_of_one_name_are_refused_in_frames_too() -> None:
    with pytest.raises(DataError, match="one column of each name"):
        checked(pd.DataFrame(np.eye(2), columns=["a", "a"]), "X")
