"""Write the README's results and figure from the recorded runs.

``python -m ecglab.lessons.readme`` does it. A test holds the README to what this module makes,
so that no figure in it is typed in by hand.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ecglab.files import write_atomically
from ecglab.lessons.comparison import scores_of, spread
from ecglab.lessons.comparison_figures import accuracy_figure
from ecglab.lessons.figures import png
from ecglab.lessons.growth_runs import growth_label, recorded_growth
from ecglab.lessons.growth_tables import arm_rows
from ecglab.lessons.published import PUBLISHED
from ecglab.lessons.recorded import provenance_label, study_runs
from ecglab.lessons.style import apply_style
from ecglab.training.runs import Run
from ecglab.training.study import STUDY

ROOT: Final = Path(__file__).parents[2]
PICTURE: Final = Path("docs") / "accuracy.png"
START, END = "<!-- results: made by python -m ecglab.lessons.readme -->", "<!-- end of results -->"
GROWTH_START: Final = "<!-- growth: made by python -m ecglab.lessons.readme -->"
GROWTH_END: Final = "<!-- end of growth -->"

# Arm of the study, how the README calls it, and the founding documents' accuracy to set beside.
ROWS: Final = {
    "resnet": ("ResNet, wide", "SLIDES 0.974, REPLICATION 0.980"),
    "odenet": ("ODENet, wide (rk4, 2 steps, direct)", "SLIDES 0.976, REPLICATION 0.979"),
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


def growth_results(runs: Mapping[str, Sequence[Run]]) -> str:
    """The recorded growth study as Markdown: a table of its arms, and where its numbers come from.

    It says so where no run has been recorded.
    """
    if not runs:
        return "No run has been recorded yet; `ecglab grow --out runs --record` makes one."
    rows = arm_rows(runs)
    lines = ["| " + " | ".join(rows[0]) + " |", "|---" * len(rows[0]) + "|"]
    lines += ["| " + " | ".join(map(str, row.values())) + " |" for row in rows]
    source = growth_label(runs)
    return "\n".join([*lines, "", f"Mean ± standard deviation over seeds; {source}."])


def with_results(text: str, made: str, *, start: str = START, end: str = END) -> str:
    """The README with what stands between two marks replaced."""
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


def main() -> None:
    """Bring README and figure up to date with the recorded runs."""
    runs = study_runs()
    readme = ROOT / "README.md"
    text = with_results(readme.read_text(), results(runs))
    grown = growth_results(recorded_growth())
    text = with_results(text, grown, start=GROWTH_START, end=GROWTH_END)
    write_atomically(readme, lambda part: part.write_text(text))
    write_atomically(ROOT / PICTURE, lambda part: part.write_bytes(picture(runs)))


if __name__ == "__main__":
    main()
