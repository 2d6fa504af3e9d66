"""What a notebook shows, in a real kernel and in a real IPython shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automax_lightning import Objective, Status, TrialResult, TrialSpec
from automax_lightning.display.notebook import NotebookProgress
from tests.support.searching import tuner

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_cells(*sources: str, cwd: Path) -> Any:
    """A notebook of these cells, run from top to bottom in a real kernel."""
    import nbformat

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    return run_notebook(made, cwd)


def run_notebook(notebook: Any, cwd: Path) -> Any:
    """Run in a process of its own: the kernel's client leaves sockets and loops behind that are nobody's here."""
    import nbformat

    path = cwd / "run.ipynb"
    nbformat.write(notebook, path)
    code = (
        "import sys, nbformat, nbclient; path = sys.argv[1]; made = nbformat.read(path, 4);"
        "place = {'metadata': {'path': sys.argv[2]}};"
        "nbclient.NotebookClient(made, timeout=600, kernel_name='python3', resources=place).execute();"
        "nbformat.write(made, path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(cwd)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return nbformat.read(path, 4)


def pages(cell: Any) -> list[str]:
    return ["".join(each["data"]["text/html"]) for each in cell["outputs"] if "text/html" in each.get("data", {})]


def test_several_running_trials_are_shown_with_their_epochs() -> None:
    progress = NotebookProgress(Objective("AUROC"), 4, finished=1)
    progress.trial_started(TrialSpec(2, {}))
    progress.trial_started(TrialSpec(3, {}))
    progress.epoch_finished(3, 1, 0.875)
    text = progress.html()
    assert "1 of 4 trials" in text
    assert cells_of(text, "trial 2") == ["", "", "running"]
    assert cells_of(text, "trial 3") == ["1", "0.8750", "running"]
    best = TrialResult(3, Status.SUCCESS, 0.9, epochs=2, seconds=4.0)
    progress.trial_finished(best, best)
    progress.trial_finished(TrialResult(2, Status.CRASHED, reason="ValueError: <b>"), best)
    progress.write("one <line>")
    text = progress.html()
    assert "3 of 4 trials, best 0.9000 (trial 3), about 4 s left" in text
    assert cells_of(text, "trial 3") == ["2", "0.9000", "★ best"]
    assert cells_of(text, "trial 2") == ["0", "-", "crashed: ValueError: &lt;b&gt;"]
    assert "one &lt;line&gt;" in text


def cells_of(text: str, name: str) -> list[str]:
    import re

    row = next(each for each in re.findall(r"<tr>(.*?)</tr>", text) if f">{name}<" in each)
    return re.findall(r"<td[^>]*>(.*?)</td>", row)[1:]


def test_many_finished_trials_are_folded_and_a_promoted_one_counts_once() -> None:
    progress = NotebookProgress(Objective("AUROC"), 20)
    for number in range(1, 13):
        progress.trial_finished(TrialResult(number, Status.PAUSED, number / 20, reason="paused"), None)
    progress.trial_finished(TrialResult(1, Status.SUCCESS, 0.9), None)
    text = progress.html()
    assert "12 of 20 trials" in text
    assert "and 4 more before" in text
    assert text.index(">trial 1<") < text.index(">trial 12<")


def test_a_search_and_a_result_show_themselves(tmp_path: Path) -> None:
    search = tuner(tmp_path, n_trials=2)
    assert "0 of 2 trials" in search._repr_html_()
    assert "No trial is over yet." in search._repr_html_()
    search.optimize()
    text = search._repr_html_()
    assert search.best is not None
    for expected in (
        "maximise AUROC",
        "2 of 2 trials",
        "seed 7",
        f"{search.best_score:.4f}",
        "optimizer_kwargs:lr",
        "read the test column",
    ):
        assert expected in text, expected
    text = search.best._repr_html_()
    assert f"<strong>Trial {search.best.number}</strong>" in text
    assert f"{search.best.test['AUROC']:.4g}" in text
    assert "&lt;b&gt;" in TrialResult(1, Status.CRASHED, reason="<b>")._repr_html_()
    assert "(partial)" in TrialResult(1, Status.PAUSED, 0.5, epochs=3)._repr_html_()


def test_results_stay_light_to_import() -> None:
    code = "import sys, automax_lightning.trial.records; print(sorted({'torch', 'rich', 'yaml', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_table_updates_in_place_in_a_real_kernel(tmp_path: Path) -> None:
    made = run_cells(
        "from automax_lightning import *\n"
        "from automax_lightning.models import MLP\n"
        "factory = trainer_factory(lambda: MLP((8,)), DigitsDataModule(), epochs=2)\n"
        "tuner = AutoMAX(factory, AutoMAXConfig(name='a', n_trials=3))\n"
        "incumbent = tuner.optimize()",
        "tuner",
        "incumbent",
        cwd=tmp_path,
    )
    tables = [text for text in pages(made.cells[0]) if "progress" in text]
    assert len(tables) == 1
    assert "3 of 3 trials" in tables[0]
    assert "running" not in tables[0]
    assert "3 of 3 trials" in pages(made.cells[1])[0]
    shown = pages(made.cells[2])[0]  # ConfigSpace's own class
    assert 'title="optimizer_kwargs:lr"' in shown
    assert ">lr<" in shown
    assert not any("widget" in key for each in made.cells[0]["outputs"] for key in each.get("data", {}))


@pytest.mark.slow
def test_the_example_notebook_runs(tmp_path: Path) -> None:
    import nbformat

    notebook = nbformat.read(EXAMPLES / "tune.ipynb", 4)
    assert len(notebook.cells) <= 10
    assert all(not cell.get("outputs") for cell in notebook.cells)
    made = run_notebook(notebook, tmp_path)
    plots = [
        each
        for cell in made.cells
        for each in cell.get("outputs", [])
        if "application/vnd.plotly.v1+json" in each.get("data", {})
    ]
    assert len(plots) == 2
    printed = "".join(each.get("text", "") for each in made.cells[-1]["outputs"])
    assert printed.startswith("test AUROC 0.9")
    assert "8 of 8 trials" in "".join(pages(made.cells[3]))
