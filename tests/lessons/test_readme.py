"""The README's growth results are those that have been recorded, or it says that none has."""

from ecglab.lessons import readme
from ecglab.lessons.growth_runs import KINDS, small_studies


def test_the_readme_holds_what_the_recorded_growth_runs_give():
    text = (readme.ROOT / "README.md").read_text()
    made = readme.growth_results(small_studies())
    marks = {"start": readme.GROWTH_START, "end": readme.GROWTH_END}
    assert readme.with_results(text, made, **marks) == text


def test_without_runs_it_says_so_and_names_the_command():
    assert "No run has been recorded yet; `ecglab grow" in readme.growth_results([])


def test_every_recorded_arm_has_a_row_under_its_columns():
    studies = small_studies()
    lines = readme.growth_results(studies).splitlines()
    columns = {line.count("|") for line in lines if line.startswith("|")}
    assert len(columns) == 1
    named = [KINDS[kind] for study in studies for kind in study]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")]
    assert [name for name in rows if name not in ("network", "---")] == named


def test_what_stands_around_the_marks_stays():
    text = f"a\n{readme.GROWTH_START}\nold\n{readme.GROWTH_END}\nb\n"
    marks = {"start": readme.GROWTH_START, "end": readme.GROWTH_END}
    assert readme.with_results(text, "new", **marks) == text.replace("old", "new")
