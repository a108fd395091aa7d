"""``ecglab bench``: what the founding configuration costs, and what ours does."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ecglab.cli.common import Data
from ecglab.cli.train import usable_device


def bench(
    profile: Annotated[
        Literal["quick", "classroom", "full"],
        typer.Option(help="quick times 3 batches a round; full times whole epochs (hours)."),
    ] = "quick",
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all measurements there.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the work-precision figure there, as PNG."),
    ] = None,
    data: Data = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    record: Annotated[
        bool,
        typer.Option("--record", help="Put the measurements into the package as recorded ones."),
    ] = False,
) -> None:
    """Time the founding code and ours beside each other: training, evaluation, memory, the floor.

    All take turns in every round, so that the ratios hold on a busy machine too; the first round
    warms up and compiles. Weights are the recorded ones and stay as they are.

    Example: ecglab bench --profile quick --json bench.json --plot bench.png
    """
    from ecglab.files import write_atomically
    from ecglab.lessons import bench_report as report
    from ecglab.lessons.bench_measures import measure_bench
    from ecglab.lessons.figures import png, table_text
    from ecglab.lessons.record import record_bench
    from ecglab.lessons.style import apply_style

    found = measure_bench(profile, data, device=usable_device(device))
    for caption, rows in (
        ("What each configuration costs", report.cost_rows(found)),
        ("Ratios of times within one run", report.ratio_rows(found)),
    ):
        body = [list(row.values()) for row in rows]
        print(table_text(list(rows[0]), body, caption), end="\n\n")
    seconds = found["preparation_seconds"]
    print(
        f"Beats prepared in {seconds['read']:.1f} s, from the cache in {seconds['cached']:.2f} s."
    )
    print(report.rate_text(found))
    print("Accuracy after 5 epochs, recorded:", *report.recorded_accuracy(), sep="\n  ")
    print(f"Measured here: {report.bench_label(found)}.")
    text = json.dumps(found, indent=1) + "\n"
    if as_json is not None:
        write_atomically(as_json, lambda part: part.write_text(text))
    if plot is not None:
        apply_style()
        figure, _ = report.work_precision_figure(found)
        picture = png(figure, label=report.short_label(found))
        write_atomically(plot, lambda part: part.write_bytes(picture))
    if record:
        record_bench(text)
