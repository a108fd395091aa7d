"""``ecglab classify``: the beats of a recording of one's own."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ecglab.cli.train import usable_device


def classify(
    record: Annotated[
        Path,
        typer.Argument(
            metavar="RECORD",
            help="A WFDB record (its path without extension), or a .csv file of rows: 187 values, "
            "or 188 columns with the class.",
        ),
    ],
    network: Annotated[
        Literal["resnet", "odenet"], typer.Option(help="Which recorded network answers.")
    ] = "resnet",
    lead: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Another lead than MLII; the networks hardly know any other."
        ),
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Probability below which a beat counts as unsure.")
    ] = 0.9,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture (PNG).")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with every beat, instead of text.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Classify the beats of a recording (lead MLII) into N S V F Q. Not a medical device.

    Beats are those of the annotations (.atr) where there are any, else R peaks are detected. Half
    an hour takes some seconds, and about ten more where peaks must be found.

    Example: ecglab classify mitdb/208 --plot 208.png
    """
    from ecglab.lessons import classify as work
    from ecglab.lessons.classify_figures import save_picture

    where = usable_device(device)
    material = work.read_material(record, lead=lead)
    found = work.classify(material, network=network, threshold=threshold, device=where)
    described = save_picture(found, plot) if plot else None
    if as_json:
        print(json.dumps(work.as_json(found), indent=1))
        return
    print(work.as_text(found))
    if plot:
        print(f"Picture: {plot}\n  {described}")
