"""A whole training run as data: from a split to weights and one JSON with its provenance."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ecglab.data.load import load_beats, subsample
from ecglab.data.spectrogram import to_spectrograms
from ecglab.data.splits import hold_out, make_split
from ecglab.errors import DataError, SettingError
from ecglab.files import write_atomically
from ecglab.models.catalogue import IMAGE_NETWORKS, build
from ecglab.training.checkpoint import save_weights
from ecglab.training.command import train_command
from ecglab.training.evaluate import Report, evaluate
from ecglab.training.fit import fit
from ecglab.training.history import Epoch, History
from ecglab.training.meters import parameter_count
from ecglab.training.processes import processes
from ecglab.training.provenance import provenance
from ecglab.training.settings import TrainSettings

RUN_FILE = "run.json"
WEIGHTS_FILE = "weights.safetensors"
CHECKPOINT_FILE = "checkpoint.pt"
PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class Run:
    """One training run: what was trained on what, how, what it gave, and where that was.

    ``report`` scores the test part; a run that only selects (``scored`` is "validation") never
    looks at it.
    """

    network: str
    options: dict[str, Any]
    parameters: int
    data: dict[str, Any]
    settings: dict[str, Any]
    history: History
    scored: str
    report: Report
    provenance: dict[str, Any]


def write_run(run: Run, path: Path) -> None:
    """Store a run as JSON."""
    text = json.dumps(dataclasses.asdict(run), indent=1)
    write_atomically(path, lambda part: part.write_text(text + "\n"))


def read_run(path: Path) -> Run:
    """Read a stored run; raise DataError where the file is none."""
    try:
        stored = json.loads(path.read_text())
        stored["history"] = [Epoch(**entry) for entry in stored["history"]]
        stored["report"] = Report(**stored["report"])
        return Run(**stored)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not a run of ecglab ({type(error).__name__}: {error}); "
            f"expected the {RUN_FILE} that 'ecglab train' writes."
        ) from error


def require_same_plan(out: Path, plan: dict[str, Any]) -> None:
    """Note what ``out`` is for; raise SettingError where its checkpoint belongs to other plans.

    A checkpoint knows its settings but neither its network's options nor its split.
    """
    path = out / PLAN_FILE
    if path.exists() and (out / CHECKPOINT_FILE).exists():
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise DataError(f"{path} is damaged ({error}): name another folder.") from error
        if found != plan:
            raise SettingError(
                f"The checkpoint in {out} belongs to another run ({found} there, {plan} here): "
                f"name another folder, or move it away."
            )
    write_atomically(path, lambda part: part.write_text(json.dumps(plan, indent=1) + "\n"))


def train_run(
    network: str,
    *,
    split: str,
    settings: TrainSettings,
    out: Path,
    options: dict[str, Any] | None = None,
    data: str | Path | None = None,
    validation: float = 0.1,
    score: str = "test",
    image: int | None = None,
    share: int | None = None,
    device: torch.device | str = "cpu",
    progress: bool = True,
) -> Run:
    """Train ``network`` on a split and write checkpoint, weights and run file into ``out``.

    ``validation`` is the share of the training part that is held out (whole records on the split
    by patients); 0 trains on all of it. ``score="validation"`` scores the held-out part and leaves
    the test part alone, which is how settings are chosen. ``image`` is the size of the
    spectrograms that a growing network sees, ``share`` a number of training beats to which their
    part is thinned out.
    """
    options = options or {}
    if score not in ("test", "validation") or (score == "validation" and not validation):
        raise SettingError(
            f"A run is scored on 'test', or on 'validation' where a part is held out; found "
            f"score={score!r} with validation={validation}."
        )
    if (image is not None) != (network in IMAGE_NETWORKS):
        raise SettingError(
            f"image={image} does not suit the {network}: {' and '.join(IMAGE_NETWORKS)} sees "
            f"spectrograms of 16 or 32, every other network beats (None)."
        )
    group = processes()
    drawing = {"image": image, "share": share}
    command = train_command(network, split, settings, options, validation, score, **drawing)
    torch.manual_seed(settings.seed)
    model = build(network, **options)
    beats = load_beats(data)
    drawn = make_split(split, beats)
    train, held_out, test = drawn.train, None, drawn.test
    if validation:
        by = "record" if split == "patients" else "beat"
        train, held_out = hold_out(drawn.train, fraction=validation, by=by)
    if share is not None:
        train = subsample(train, share)
    if image is not None:
        train = to_spectrograms(train, size=image, device=device)
        like = {"size": image, "mean": train.mean, "deviation": train.deviation, "device": device}
        test = to_spectrograms(test, **like)
        held_out = to_spectrograms(held_out, **like) if held_out is not None else None
    if group.writes:
        trained = train_command(network, split, settings, options, validation, "test", **drawing)
        plan = {"command": trained, "origin": beats.origin, "train": train.counts()}
        require_same_plan(out, plan)
    history = fit(
        model,
        train,
        settings=settings,
        validation=held_out,
        device=device,
        checkpoint=out / CHECKPOINT_FILE,
        progress=progress,
    )
    scored = held_out if score == "validation" else test
    run = Run(
        network=network,
        options=options,
        parameters=parameter_count(model),
        data={
            "origin": beats.origin,
            "beats": len(beats),
            "split": split,
            "image": image,
            "share": share,
            "note": drawn.note,
            "train": train.counts(),
            "validation": held_out.counts() if held_out is not None else None,
            "test": drawn.test.counts(),
        },
        settings=json.loads(json.dumps(dataclasses.asdict(settings))),  # as it is read back
        history=history,
        scored=score,
        report=evaluate(model, scored, device=device),
        provenance=provenance(device, command=command),
    )
    if group.writes:
        save_weights(model, out / WEIGHTS_FILE)
        write_run(run, out / RUN_FILE)
    return run
