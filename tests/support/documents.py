"""The README and the pages of the guide as data: their blocks, links and commands, and a way to run a page as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = sorted((ROOT / "examples" / "guide").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *GUIDE]
HOME = "https://github.com/automax-lightning/automax-lightning/blob/main/"
RAW = "https://raw.githubusercontent.com/automax-lightning/automax-lightning/main/"

_BLOCK = re.compile(r"```(\w+)\n(.*?)```", flags=re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_CUT = "---- end of block"
_MINE = """
import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset


class MyModule(L.LightningModule):
    def __init__(self, width: int = 8, lr: float = 0.01):
        super().__init__()
        self.lr = lr
        self.network = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.ReLU(), torch.nn.Linear(width, 1))

    def training_step(self, batch, batch_idx):
        return torch.nn.functional.mse_loss(self.network(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", torch.nn.functional.mse_loss(self.network(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class MyData(L.LightningDataModule):
    def loader(self, seed):
        x = torch.randn(64, 4, generator=torch.Generator().manual_seed(seed))
        return DataLoader(TensorDataset(x, x[:, :1] ** 2), batch_size=16)

    def train_dataloader(self):
        return self.loader(0)

    def val_dataloader(self):
        return self.loader(1)


if __name__ == "__main__":
    from automax_lightning.cli import AutoMAXCLI

    AutoMAXCLI(MyModule, MyData)
"""


def name_of(page: Path) -> str:
    """The page as a test's name."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """The page's blocks of one language."""
    return [text for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


def story(page: Path) -> list[tuple[str, str]]:
    """The page's Python blocks in order, each with the output that is shown right after it, or the empty text."""
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", flags=re.DOTALL)
    return [(match[1], match[2] or "") for match in pattern.finditer(text)]


def prepare(folder: Path) -> None:
    """Put the files into the folder that pages speak of: a module of the user's own, and a table."""
    (folder / "mine.py").write_text(_MINE, encoding="utf-8")
    rows = [f"{i % 7},{i % 11},{int(i % 7 > 3)}" for i in range(300)]
    (folder / "d.csv").write_text("\n".join(["a,b,label", *rows]), encoding="utf-8")


def python(folder: Path, *arguments: str) -> str:
    """What Python prints in this folder; it must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def outputs(page: Path, folder: Path) -> list[str]:
    """What each Python block of the page prints, run in one process as a reader types them."""
    prepare(folder)
    code = f"\nprint({_CUT!r})\n".join(block for block, _ in story(page))
    guarded = "\n".join(f"    {line}" if line else "" for line in code.splitlines())
    (folder / "page.py").write_text(f'if __name__ == "__main__":\n{guarded}\n', encoding="utf-8")
    return python(folder, "page.py").split(_CUT)


def shape(text: str) -> str:
    """A text without its numbers, spaces and dots of numbers aside."""
    return re.sub(r"\s+", " ", _NUMBER.sub("#", text)).strip()


def numbers(text: str) -> list[float]:
    """The numbers in a text."""
    return [float(number) for number in _NUMBER.findall(text)]


def links(page: Path) -> list[str]:
    """Where the page's links and pictures lead."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[str]:
    """Every command line of the package that the page shows, in a block or in a sentence."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    shown = [part.strip() for line in lines for part in line.split("&&")] + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return [line for line in shown if re.match(r"automax-lightning [a-z]", line)]
