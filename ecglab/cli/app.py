"""The commands of ``ecglab`` put together, and the two that only look."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

import ecglab
from ecglab.cli.bench import bench
from ecglab.cli.classify import classify
from ecglab.cli.common import Data, fail
from ecglab.cli.data import data_app
from ecglab.cli.grow import grow
from ecglab.cli.lab import lab
from ecglab.cli.lessons import lessons_app
from ecglab.cli.run import run
from ecglab.cli.study import study
from ecglab.cli.sweep import sweep
from ecglab.cli.train import train
from ecglab.errors import EcglabError

app = typer.Typer(
    name="ecglab",
    help="A course from residual networks to neural ODEs, on real heartbeats.\n\n"
    "Begin with 'ecglab check'. Heartbeats come from the MIT-BIH Arrhythmia Database where --data "
    "or the variable ECGLAB_DATA names a copy or 'ecglab data fetch' has brought one; otherwise "
    "they are simulated, and every result says so.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; a foreseeable mistake is one sentence on stderr and exit code 1."""
    try:
        app(prog_name="ecglab")
    except EcglabError as error:
        fail(str(error))
    except OSError as error:
        name = f" ({error.filename})" if error.filename else ""
        fail(f"{error.strerror or error}{name}.")


def show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        print(f"ecglab {ecglab.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Options of every command."""


def check(data: Data = None) -> None:
    """Look at this machine: versions, device, memory, data, cache; say what to do about faults.

    The exit code is 1 where something keeps the lessons from running.
    """
    from ecglab.doctor import examine

    findings = examine(data)
    for finding in findings:
        print(f"{finding.status:8}{finding.subject + ':':10}{finding.found}")
        if finding.remedy:
            print(f"{'':18}-> {finding.remedy}")
    problems = sum(finding.status == "problem" for finding in findings)
    if problems:
        fail(f"{problems} of {len(findings)} findings need a remedy, see above.")
    print("Ready: 'ecglab lab' opens the lessons in JupyterLab, 'ecglab run' executes them.")


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """List every network with its layers, their outputs for one beat, and its parameters."""
    from ecglab.models.catalogue import CATALOGUE, build
    from ecglab.models.summary import layers

    found = []
    for name, (network, options) in CATALOGUE.items():
        parts = [asdict(layer) for layer in layers(build(network, **options))]
        count = sum(part["parameters"] for part in parts)
        found.append({"name": name, "network": network, "options": options})
        found[-1] |= {"parameters": count, "layers": parts}
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for entry in found:
        print(f"{entry['name']}: {entry['parameters']:,} parameters")
        for part in entry["layers"]:
            shape = " x ".join(map(str, part["output"]))
            print(f"  {part['name']:28}{part['kind']:20}{shape:>10}{part['parameters']:>10,}")
        print()


app.command()(check)
app.add_typer(data_app, name="data")
app.add_typer(lessons_app, name="lessons")
for command in (models, train, sweep, study, grow, bench, classify, run, lab):
    app.command()(command)
