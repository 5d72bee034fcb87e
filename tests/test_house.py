"""The house itself: what no linter of another project can know."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import grimp
import pytest

HOUSE = Path(__file__).parent.parent
PLUG_INS = ("probes", "channels")
OPEN_TO_PLUG_INS = {"failover", "failover.contracts", "failover.model"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("failover", *PLUG_INS)


def _kind(module: str) -> bool:
    return "." in module and not module.rpartition(".")[2].startswith("_")


@pytest.mark.parametrize("folder", PLUG_INS)
def test_plug_ins_see_only_the_contracts_and_the_model(graph: grimp.ImportGraph, folder: str) -> None:
    """Also the private files beside them; and no kind imports another kind, nor anything of the other folder."""
    wrong = []
    for module in sorted(graph.find_descendants(folder)):
        for imported in graph.find_modules_directly_imported_by(module):
            inside = imported.startswith(f"{folder}.") and not _kind(imported)
            if not inside and imported not in OPEN_TO_PLUG_INS:
                wrong.append(f"{module} imports {imported}")

    assert wrong == []


def test_the_package_itself_imports_nothing(graph: grimp.ImportGraph) -> None:
    """Otherwise a plug-in that imports the contracts would bring the whole house with it."""
    assert graph.find_modules_directly_imported_by("failover") == set()


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [HOUSE / name for name in listed.stdout.splitlines() if (HOUSE / name).is_file()]


def test_no_file_names_a_download_host_or_a_path_of_one_machine() -> None:
    """The lock file pins versions and hashes; where they are fetched from is the reader's own affair."""
    suspicious = re.compile(r"--(?:extra-)?index-url|/simple/|/packages/|(?<![\w.])/work/\w")
    wrong = []
    for path in _tracked():
        if path == Path(__file__) or path.suffix not in {".py", ".md", ".toml", ".txt", ".yaml", ".service", ""}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        wrong += [f"{path.name}: {found}" for found in suspicious.findall(text)]

    assert wrong == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_file_pins_and_hashes_everything(name: str) -> None:
    """Every requirement has a version and at least one hash."""
    text = (HOUSE / name).read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"\n(?=\S)", text) if block and not block.startswith("#")]

    assert blocks
    assert [block for block in blocks if not re.match(r"[\w.\[\]-]+==\S+ \\\n +--hash=sha256:", block)] == []


def test_readme_names_every_kind() -> None:
    """The table of kinds is true."""
    text = (HOUSE / "README.md").read_text(encoding="utf-8")
    kinds = [
        path.stem for folder in PLUG_INS for path in (HOUSE / folder).glob("*.py") if not path.stem.startswith("_")
    ]

    assert [kind for kind in kinds if kind != "anchors" and f"`{kind}`" not in text] == []
