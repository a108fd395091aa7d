"""Write the numbers of the model card from the recorded runs.

``python -m ecglab.lessons.model_card`` does it. A test holds docs/model_card.md to what this
module makes, so that no figure in it is typed in by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from torch import nn

from ecglab.data.classes import CLASSES
from ecglab.errors import DataError
from ecglab.files import write_atomically
from ecglab.lessons.comparison import class_rows, scores_of, spread
from ecglab.lessons.figures import cell_text
from ecglab.lessons.readme import ROOT
from ecglab.lessons.recorded import FOLDER, provenance_label, recorded_model, recorded_runs
from ecglab.lessons.solve_figures import solver_text
from ecglab.models import ODENet
from ecglab.training.runs import Run
from ecglab.training.study import STUDY, run_name

CARD: Final = Path("docs") / "model_card.md"
START: Final = "<!-- {}: made by python -m ecglab.lessons.model_card -->"
END: Final = "<!-- end of {} -->"

Trained = Mapping[str, Run]  # arms of the study, each with the run whose weights are recorded


def weights_file(arm: str) -> str:
    """Name of the file with the weights of an arm's first seed."""
    return f"{run_name(arm, STUDY[arm].seeds[0])}.safetensors"


def trained_arms() -> dict[str, Run]:
    """The arms whose weights travel with the package, each with the run that made these."""
    return {arm: recorded_runs(arm)[0] for arm in STUDY if (FOLDER / weights_file(arm)).is_file()}


def markdown_table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows with the same columns as a table in Markdown."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(map(str, row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def layout(model: nn.Module) -> str:
    """Blocks, channels, dilation and solver of a ResNet or an ODENet as it is built."""
    ode = isinstance(model, ODENet)
    features = model.block if ode else model.features
    convolutions = [layer for layer in features.modules() if isinstance(layer, nn.Conv1d)]
    dilation = ", ".join(str(d) for d in sorted({c.dilation[0] for c in convolutions}))
    blocks = "one ODE block" if ode else f"{len(features)} residual blocks"
    text = f"{blocks}, {model.head[-1].in_features} channels, dilation {dilation}"
    if not ode:
        return text
    solver = model.block.solver
    return f"{text}; {solver_text(solver)}, {solver.gradient} gradients"


def weights(trained: Trained) -> str:
    """Which files there are, and what network each belongs to."""
    return markdown_table(
        [
            {
                "name": f"`{arm}`",
                "file": f"`{weights_file(arm)}`",
                "network": type(model := recorded_model(arm)).__name__,
                "parameters": f"{run.parameters:,}",
                "layout": layout(model),
                "split": run.data["split"],
            }
            for arm, run in trained.items()
        ]
    )


def training(trained: Trained) -> str:
    """How each network was trained."""
    return markdown_table(
        [
            {
                "name": f"`{arm}`",
                "training beats": f"{sum(run.data['train'].values()):,}",
                "epochs": len(run.history),
                "batch": run.settings["batch_size"],
                "highest learning rate": f"{run.settings['learning_rate']:g}",
                "schedule": run.settings["schedule"],
                "momentum": f"{run.settings['momentum']:g}"
                + (", Nesterov" if run.settings["nesterov"] else ""),
                "weight decay": f"{run.settings['weight_decay']:g}",
                "gradient norm clipped at": run.settings["clip_norm"] or "not clipped",
                "sampling": run.settings["sampling"],
                # Runs that are older than the setting adjusted nothing.
                "logits adjusted": cell_text(run.settings.get("adjust_logits", False)),
                "seed": run.settings["seed"],
                "minutes": f"{sum(epoch.seconds for epoch in run.history) / 60:.0f}",
            }
            for arm, run in trained.items()
        ]
    )


def beats(trained: Trained) -> str:
    """How many beats of each class each split trains on and tests on."""
    drawn = {run.data["split"]: run.data for run in trained.values()}
    return markdown_table(
        [
            {"split": name, "part": part, **{c: f"{data[part][c]:,}" for c in CLASSES}}
            | {"all": f"{sum(data[part].values()):,}"}
            for name, data in drawn.items()
            for part in ("train", "test")
        ]
    )


def between(interval: Sequence[float]) -> str:
    """An interval with the digits of the scores."""
    low, high = interval
    return f"{low:.4f} to {high:.4f}"


def scores(trained: Trained) -> str:
    """Accuracy and macro-F1 of these weights with their intervals, and of all recorded seeds."""
    rows = []
    for arm, run in trained.items():
        report, runs = run.report, recorded_runs(arm)
        test = run.data["test"]
        always_n = {"accuracy of always N": f"{test['N'] / sum(test.values()):.4f}"}
        row: dict[str, object] = {"name": f"`{arm}`", "test": run.data["split"]}
        for field, name, beside in (
            ("accuracy", "accuracy", always_n),
            ("macro_f1", "macro-F1", {}),
        ):
            row |= {
                name: f"{getattr(report, field):.4f}",
                **beside,
                f"{name}, beats resampled": between(report.intervals["beats"][field]),
                f"{name}, records resampled": between(report.intervals["records"][field]),
                f"{name}, all seeds": spread(scores_of(runs, field)),
            }
        rows.append(row | {"loss": f"{report.loss:.4f}"})
    return markdown_table(rows)


def classes(trained: Trained) -> str:
    """Confusion matrix and scores of every class."""
    rows = []
    for arm, run in trained.items():
        for label, row in enumerate(class_rows(f"`{arm}`", [run])):
            confused = {
                f"called {c}": run.report.confusion[label][i] for i, c in enumerate(CLASSES)
            }
            area = run.report.auroc[label]
            row["AUROC"] = "not defined" if area is None else f"{area:.3f}"
            rows.append({"name and true class": row.pop("network and class")} | confused | row)
    return markdown_table(rows)


def origin(trained: Trained) -> str:
    """Which command, commit and machine each network comes from, and with which versions."""
    table = markdown_table(
        [
            {
                "name": f"`{arm}`",
                "command (with `--out`)": f"`{run.provenance['command']}`",
                "commit": run.provenance["commit"],
                "label": provenance_label(run),
            }
            for arm, run in trained.items()
        ]
    )
    used = [
        ", ".join(f"{package} {version}" for package, version in run.provenance["versions"].items())
        for run in trained.values()
    ]
    return f"{table}\n\nVersions: {'; '.join(dict.fromkeys(used))}."


BLOCKS: Final[dict[str, Callable[[Trained], str]]] = {
    "weights": weights,
    "training": training,
    "beats": beats,
    "scores": scores,
    "classes": classes,
    "origin": origin,
}


def made_blocks() -> dict[str, str]:
    """Every block of the card by its name, from the recorded runs."""
    trained = trained_arms()
    return {name: make(trained) for name, make in BLOCKS.items()}


def with_blocks(text: str, made: Mapping[str, str]) -> str:
    """The card with what stands between each pair of marks replaced."""
    for name, block in made.items():
        start, end = START.format(name), END.format(name)
        before, opened, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not (opened and closed):
            raise DataError(
                f"{CARD} has no place for its block {name!r}: expected the lines '{start}' and, "
                f"below it, '{end}'."
            )
        text = f"{before}{start}\n{block}\n{end}{after}"
    return text


def main() -> None:
    """Bring the model card up to date with the recorded runs."""
    card = ROOT / CARD
    text = with_blocks(card.read_text(encoding="utf-8"), made_blocks())
    write_atomically(card, lambda part: part.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
