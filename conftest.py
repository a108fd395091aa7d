"""After the cells of a lesson that nbval runs, one more test: the peak memory of its kernel.

It costs no run of its own, and leaves its figures in build/memory. The limit is for the build of
torch that the classroom image has; one for CUDA loads libraries that take a third of it.
"""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from nbval.plugin import IPyNbFile

LIMIT = 10**9  # bytes resident; a public Binder service gives each learner 1 to 2 GB
FOLDER = Path(__file__).parent / "build" / "memory"
FAILED = pytest.StashKey[bool]()


def peak_memory(status: str) -> int:
    """The largest resident memory of a process in bytes, from the text of its /proc/PID/status."""
    return int(re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)[1]) * 1024


def cuda() -> str | None:
    """The version of CUDA that torch was built for, None for a CPU build."""
    import torch  # which takes seconds: not where no lesson is tested

    return torch.version.cuda


class PeakMemory(pytest.Item):
    """The last test of a lesson: how much memory its kernel has ever held."""

    def runtest(self) -> None:
        """Compare the kernel's peak with the limit."""
        kernel, lesson = self.parent.kernel, self.path.stem
        if self.parent.stash.get(FAILED, False):
            pytest.skip(f"{lesson}: its memory is not known, a cell of it failed")
        if not kernel.is_alive():
            pytest.skip(f"{lesson}: the memory of its kernel is not known, it has ended")
        status = Path(f"/proc/{kernel.km.provisioner.pid}/status")
        if not status.exists():
            pytest.skip(f"{lesson}: the memory of its kernel is not known, there is no {status}")
        peak = peak_memory(status.read_text())
        FOLDER.mkdir(parents=True, exist_ok=True)
        figures = {"lesson": lesson, "peak_memory": peak, "limit": LIMIT, "cuda": (built := cuda())}
        (FOLDER / f"{lesson}.json").write_text(json.dumps(figures) + "\n")
        if built:
            pytest.skip(
                f"{lesson} took {peak / 1e6:,.0f} MB with torch for CUDA {built}; "
                "the limit is for a CPU build"
            )
        assert peak <= LIMIT, f"{lesson} took {peak / 1e6:,.0f} MB, more than {LIMIT / 1e6:,.0f} MB"

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands and how it is called."""
        return self.path, 0, f"{self.path.stem}: peak memory"


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> None:
    """Note that a cell failed: what comes behind it may not have run as it should."""
    if call.excinfo and isinstance(item.parent, IPyNbFile):
        item.parent.stash[FAILED] = True


@pytest.hookimpl(trylast=True)  # what -k leaves out is gone by then
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the test to every lesson of which all cells are run."""
    chosen = Counter(item.parent for item in items)
    last = {item.parent: place for place, item in enumerate(items)}
    for lesson, place in sorted(last.items(), key=lambda entry: -entry[1]):
        if not isinstance(lesson, IPyNbFile):
            continue
        if chosen[lesson] == sum(cell.cell_type == "code" for cell in lesson.nb.cells):
            items.insert(place + 1, PeakMemory.from_parent(lesson, name="peak memory"))
