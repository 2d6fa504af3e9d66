from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from automax_lightning.cli import main
from automax_lightning.errors import JournalError, ReportError
from automax_lightning.report.page.page import page, write_report
from automax_lightning.report.page.rerun import call, command, versions
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import Journal
from automax_lightning.trial.records import Objective, Status
from automax_lightning.utils.html import table
from tests.support.searches import keep, plain, record, result, space

CONFIG = {"lr": 0.01, "size": (8,)}


def outside_plotly(text: str) -> str:
    """The page without the library, which has tags and addresses of its own in it."""
    return re.sub(r"<script>/\*\*.*?</script>", "", text, count=1, flags=re.DOTALL)


def test_the_command_writes_the_page_from_the_directory_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain(tmp_path / "mine")
    assert main(["report", str(tmp_path / "mine")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'mine' / 'report.html'}\n"
    assert main(["report", str(tmp_path / "mine"), "--output", str(tmp_path / "new" / "x.html")]) == 0
    assert (tmp_path / "new" / "x.html").exists()
    assert not list(tmp_path.rglob("*.new"))


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["--what"], ["a", "b"]])
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    if arguments == ["nowhere"]:
        assert error == (
            "automax-lightning: nowhere: expected the directory of a search, which holds its journal.jsonl, found none. "
            "Pass <output_directory>/<name>, e.g. automax_output/mine.\n"
        )
    assert not list(tmp_path.iterdir())


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--help"]) == 0
    assert "--output FILE" in capsys.readouterr().out
    assert main(["reprot"]) == 2
    assert "Did you mean 'report'" in capsys.readouterr().err


def test_a_report_loads_no_torch(tmp_path: Path) -> None:
    plain(tmp_path)
    code = (
        f"import sys; from automax_lightning.cli import main; main(['report', {str(tmp_path)!r}]);"
        "print(sorted({'torch', 'lightning', 'smac', 'libauc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_text_of_users_is_never_markup(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    over = space(kind=[evil, "b"], **{f"model.<i>{evil}": {"low": 0.0, "high": 1.0}})
    trials = [
        ({"kind": evil, f"model.<i>{evil}": 0.5}, result(1, 0.7)),
        ({"kind": "b", f"model.<i>{evil}": 0.1}, result(2, None, Status.CRASHED, reason=evil, error=evil)),
        *(({"kind": "b", f"model.<i>{evil}": n / 10}, result(n, n / 10)) for n in range(3, 8)),
    ]
    text = outside_plotly(page(record(tmp_path, trials, over, fit={"note": evil})))
    assert "<img" not in text
    assert "<i>" not in text
    assert "alert(2)</script>" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_nothing_points_out_of_the_file(tmp_path: Path) -> None:
    text = outside_plotly(page(plain(tmp_path)))
    assert not re.findall(r"""(?:src|href)\s*=|@import|url\(|https?:""", text)
    assert "default-src 'none'" in text


def test_the_page_tells_everything_that_was_recorded(tmp_path: Path) -> None:
    reading = plain(tmp_path / "my search")
    text = outside_plotly(page(reading))
    for expected in ("<h1>my search</h1>", "95 % bootstrap interval", "ValueError: &lt;b&gt;mine&lt;/b&gt;", "stopped early",
                     "0.9900 (partial)", "AutoMAXConfig(", "n_trials=8", "lr: UniformFloatHyperparameter"):  # fmt: skip
        assert expected in text, expected
    for name, version in versions().items():
        assert f"<td>{name}</td><td><span>{version}</span></td>" in text
    assert {"python", "torch", "lightning", "smac", "libauc", "automax-lightning"} <= set(versions())
    assert text.count('class="plotly-graph-div"') == 7


def test_a_search_that_is_running_is_shown(tmp_path: Path) -> None:
    reading = record(tmp_path, [(CONFIG, result(1, 0.7)), (CONFIG, None)])
    with open(tmp_path / "journal.jsonl", "ab") as journal:
        journal.write(b'{"event": "epo')
    text = outside_plotly(page(SearchRecord.of(tmp_path)))
    assert "not over, epoch 1" in text
    assert "1 of 2" in text
    assert reading.n_trials == 2


def test_a_page_says_why_a_figure_is_missing(tmp_path: Path) -> None:
    reading = record(tmp_path, [(CONFIG, result(1, 0.7))])
    text = page(reading)
    assert text.count("it needs scores of the best trial with both classes, and there is none on disk") == 1
    assert "it needs at least 4 whole trials that differ, and there is 1 whole trial." in text
    keep(tmp_path, 1, 1.0)
    assert "none on disk" not in page(reading)


def test_a_search_without_trials_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="at least one trial that was started, found none. Run optimize"):
        write_report(record(tmp_path, []))
    (tmp_path / "empty").mkdir()
    with pytest.raises(JournalError, match="found none. Pass <output_directory>/<name>"):
        SearchRecord.of(tmp_path / "empty")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["/usr/bin/automax-lightning", "tune", "--config", "a b.yaml"], "automax-lightning tune --config 'a b.yaml'"),
        (["my/script.py", "tune"], "python my/script.py tune"),
        (["/x/ipykernel_launcher.py", "-f", "k.json"], None),
        (["-c"], None),
        (["/usr/bin/pytest"], None),
        ([], None),
    ],
)
def test_the_command_to_go_on_is_the_one_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: list[str], expected: str | None
) -> None:
    monkeypatch.setattr(sys, "argv", line)
    with Journal(tmp_path, {"target": "AUROC", "mode": "max"}):
        pass
    assert command(SearchRecord.of(tmp_path)) == expected


def test_the_call_to_go_on_has_the_settings_that_differ_and_never_overwrites() -> None:
    config = {
        "name": "a",
        "n_trials": 5,
        "SEED": 3,
        "overwrite": True,
        "verbose": True,
        "initial_configs": [],
        "eta": 3,
        "target": "x",
    }
    text = call(SearchRecord(History(), Objective("AUPRC"), config=config))
    assert text.splitlines()[0] == "config = AutoMAXConfig(name='a', n_trials=5, SEED=3)"
    assert "target='AUPRC'" in text


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    text = table(["a", "b"], [[1, "x"], ["2.5", "3"]])
    assert text.count('class="number"') == 4
    assert '<th class="number">a</th><th>b</th>' in text
