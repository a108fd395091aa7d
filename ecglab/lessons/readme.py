"""Write what README, guide, index and lessons say about each other and about the results.

``python -m ecglab.lessons.readme`` does it, from the recorded runs, the lessons' headers and
pyproject.toml. A test holds these files to what this module makes, so that nothing in them is
typed in by hand.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import nbformat

from ecglab.errors import DataError
from ecglab.files import write_atomically
from ecglab.lessons.addresses import INDEX, Addresses, read_addresses
from ecglab.lessons.bench_report import (
    bench_label,
    cost_rows,
    rate_text,
    ratio_rows,
    short_label,
    work_precision_figure,
)
from ecglab.lessons.comparison import scores_of, spread
from ecglab.lessons.comparison_figures import accuracy_figure
from ecglab.lessons.figures import png
from ecglab.lessons.growth_runs import depths_text, growth_label, small_studies
from ecglab.lessons.growth_tables import arm_rows
from ecglab.lessons.headers import read_header
from ecglab.lessons.overview import (
    badges,
    index_page,
    lessons_table,
    questions_table,
    table,
    with_colab_cell,
)
from ecglab.lessons.published import PUBLISHED
from ecglab.lessons.recorded import provenance_label, recorded_bench, study_runs
from ecglab.lessons.runner import find_lessons
from ecglab.lessons.style import apply_style
from ecglab.training.runs import Run
from ecglab.training.study import STUDY

ROOT: Final = Path(__file__).parents[2]
PICTURE: Final = Path("docs") / "accuracy.png"
BENCH_PICTURE: Final = Path("docs") / "work_precision.png"
START, END = "<!-- results: made by python -m ecglab.lessons.readme -->", "<!-- end of results -->"
GROWTH_START: Final = "<!-- growth: made by python -m ecglab.lessons.readme -->"
GROWTH_END: Final = "<!-- end of growth -->"
BENCH_START: Final = "<!-- bench: made by python -m ecglab.lessons.readme -->"
BENCH_END: Final = "<!-- end of bench -->"
LESSONS_START: Final = "<!-- lessons: made by python -m ecglab.lessons.readme -->"
LESSONS_END: Final = "<!-- end of lessons -->"
BADGES_START: Final = "<!-- badges: made by python -m ecglab.lessons.readme -->"
BADGES_END: Final = "<!-- end of badges -->"

# Arm of the study, how the README calls it, and the founding documents' accuracy to set beside.
ROWS: Final = {
    "resnet": ("ResNet, wide", "SLIDES 0.974, REPLICATION 0.980"),
    "odenet": ("ODENet, wide (rk4, 2 steps, direct)", "SLIDES 0.976, REPLICATION 0.979"),
    "resnet-plain": ("ResNet, wide, dilation 1", ""),
    "odenet-plain": ("ODENet, wide, dilation 1 (rk4, 2 steps, direct)", ""),
    "resnet-founding": ("ResNet, founding recipe", "SLIDES 0.974"),
    "odenet-founding": ("ODENet, founding recipe (dopri5, 1e-3, adjoint)", "SLIDES 0.976"),
    "resnet-narrow": ("ResNet, narrow", "REPORT 0.958"),
    "odenet-narrow": ("ODENet, narrow (rk4, 2 steps, direct)", "REPORT 0.923"),
    "resnet-patients": ("ResNet, wide", "not reported"),
    "odenet-patients": ("ODENet, wide (rk4, 2 steps, direct)", "not reported"),
}
TESTS: Final = {
    "benchmark": "benchmark, 21,892 beats",
    "balanced": "balanced, 3,500 beats",
    "patients": "by person, DS1 to DS2",
}


def results(runs: Mapping[str, Sequence[Run]]) -> str:
    """The results as Markdown: a table, and where its numbers come from."""
    lines = [
        "| test | network | parameters | accuracy | macro-F1 | founding documents, accuracy |",
        "|---|---|---:|---|---|---|",
    ]
    for arm, (name, theirs) in ROWS.items():
        group = runs[arm]
        lines.append(
            f"| {TESTS[STUDY[arm].split]} | {name} | {group[0].parameters:,} "
            f"| {spread(scores_of(group, 'accuracy'))} | {spread(scores_of(group, 'macro_f1'))} "
            f"| {theirs} |"
        )
    always = ", ".join(
        f"{counts['N'] / sum(counts.values()):.3f} ({TESTS[split]})"
        for split, counts in {STUDY[a].split: runs[a][0].data["test"] for a in ROWS}.items()
    )
    first = runs["resnet"][0]
    versions = ", ".join(f"{name} {v}" for name, v in first.provenance["versions"].items())
    lines += [
        "",
        f"A classifier that always says N has accuracy {always}.",
        "",
        f"Mean ± standard deviation over seeds, 5 epochs each; {provenance_label(first)}; "
        f"{versions}. `ecglab study --out runs` trains them all again.",
    ]
    return "\n".join(lines)


def growth_results(studies: Sequence[Mapping[str, Sequence[Run]]]) -> str:
    """Recorded growth studies as Markdown: tables of their arms, and where their numbers come from.

    It says so where no run has been recorded.
    """
    if not studies:
        return "No run has been recorded yet; `ecglab grow --out runs --record` makes one."
    return "\n\n".join(
        f"{table_of(arm_rows(runs))}\n\n"
        f"{depths_text(runs)}. Mean ± standard deviation over seeds; {growth_label(runs)}."
        for runs in studies
    )


def table_of(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows with the same keys as a table in Markdown."""
    return table(list(rows[0]), [[str(cell) for cell in row.values()] for row in rows])


def bench_results(bench: Mapping[str, Any]) -> str:
    """The recorded benchmark as Markdown: ratios, what each configuration costs, and its source."""
    source = f"Recorded run of `ecglab bench --profile {bench['profile']}`: {bench_label(bench)}."
    parts = table_of(ratio_rows(bench)), table_of(cost_rows(bench)), f"{rate_text(bench)} {source}"
    return "\n\n".join(parts)


def bench_picture(bench: Mapping[str, Any]) -> bytes:
    """The work-precision figure of the recorded benchmark as PNG bytes."""
    apply_style()
    figure, _ = work_precision_figure(bench)
    return png(figure, label=f"recorded run, {short_label(bench)}")


def with_results(text: str, made: str, *, start: str = START, end: str = END) -> str:
    """A text with what stands between two marks replaced."""
    if start not in text or end not in text:
        raise DataError(f"Found no {start} with {end} behind it: expected both, on lines of own.")
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{made}\n{end}{after}"


def picture(runs: Mapping[str, Sequence[Run]]) -> bytes:
    """The README's figure as PNG bytes."""
    apply_style()
    figure, _ = accuracy_figure(
        {f"{p.document} {p.network}": (p.parameters, p.accuracy) for p in PUBLISHED},
        {
            f"{ROWS[arm][0].partition(' (')[0]}, {STUDY[arm].split}": (
                runs[arm][0].parameters,
                scores_of(runs[arm], "accuracy"),
            )
            for arm in ("resnet", "odenet", "resnet-narrow", "odenet-narrow")
        },
    )
    return png(figure, label=provenance_label(runs["resnet"][0]))


def read_project() -> dict[str, Any]:
    """The ``[project]`` table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def texts_about_lessons(project: Mapping[str, Any]) -> dict[Path, str]:
    """README, guide, index and lessons with what they say about each other brought up to date."""
    addresses, lessons = read_addresses(project), find_lessons()
    headers = [read_header(path) for path in lessons]
    readme, guide = ROOT / "README.md", ROOT / "docs" / "teaching.md"
    listed = {"start": LESSONS_START, "end": LESSONS_END}
    text = with_results(
        readme.read_text(encoding="utf-8"),
        badges(project, addresses),
        start=BADGES_START,
        end=BADGES_END,
    )
    made = {
        readme: with_results(text, lessons_table(headers, "notebooks/", addresses), **listed),
        guide: with_results(
            guide.read_text(encoding="utf-8"), questions_table(headers, "../notebooks/"), **listed
        ),
        ROOT / INDEX: index_page(headers),
    }
    return made | {path: lesson_text(path, addresses) for path in lessons}


def lesson_text(path: Path, addresses: Addresses) -> str:
    """A lesson's file with the cell that installs the course on Colab."""
    notebook = with_colab_cell(nbformat.read(path, as_version=4), addresses)
    return nbformat.writes(notebook) + "\n"


def main() -> None:
    """Bring README, figure, guide, index and lessons up to date."""
    for path, text in texts_about_lessons(read_project()).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, lambda part, text=text: part.write_text(text, encoding="utf-8"))
    runs = study_runs()
    readme = ROOT / "README.md"
    text = with_results(readme.read_text(), results(runs))
    grown = growth_results(small_studies())
    text = with_results(text, grown, start=GROWTH_START, end=GROWTH_END)
    bench = recorded_bench()
    text = with_results(text, bench_results(bench), start=BENCH_START, end=BENCH_END)
    write_atomically(readme, lambda part: part.write_text(text))
    write_atomically(ROOT / PICTURE, lambda part: part.write_bytes(picture(runs)))
    write_atomically(ROOT / BENCH_PICTURE, lambda part: part.write_bytes(bench_picture(bench)))


if __name__ == "__main__":
    main()
