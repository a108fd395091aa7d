"""Classify the beats of a file of one's own with a recorded network, and say how sure it is."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from jaxtyping import Float32, Int
from sklearn.metrics import confusion_matrix

from ecglab.data.anyrecord import LeadRecord, cut_beats, read_lead
from ecglab.data.beats import BEAT_RATE, Beats
from ecglab.data.classes import CLASS_NAMES, CLASSES
from ecglab.data.database import RECORDS, SAMPLING_RATE
from ecglab.data.rows import read_rows
from ecglab.errors import SettingError
from ecglab.lessons.recorded import provenance_label, recorded_model, recorded_runs
from ecglab.training.evaluate import accuracy_of, macro_f1_of, predict
from ecglab.training.runs import Run

Network = Literal["resnet", "odenet"]
NETWORKS: Final = {"resnet": "wide ResNet", "odenet": "wide ODENet"}  # arms of the study
WARNING: Final = (
    "Not a medical device: no diagnosis, not validated for patient care. For learning and research."
)


@dataclass(frozen=True)
class Material:
    """The beats of a file; ``labelled`` says whether their classes are known.

    ``record`` is None for rows from a CSV file; ``notes`` tell what was done to the data.
    """

    source: str
    beats: Beats
    labelled: bool
    record: LeadRecord | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Classified:
    """What a network says of each beat; ``threshold`` divides the sure ones from the others."""

    material: Material
    network: Network
    run: Run
    threshold: float
    probabilities: Float32[np.ndarray, "beats classes"]

    @property
    def predicted(self) -> Int[np.ndarray, " beats"]:
        """The most probable class of each beat."""
        return self.probabilities.argmax(1)

    @property
    def confidence(self) -> Float32[np.ndarray, " beats"]:
        """The probability of that class."""
        return self.probabilities.max(1)

    @property
    def beats(self) -> Beats:
        """The beats, labelled with the class that the network gives them."""
        return dataclasses.replace(self.material.beats, labels=self.predicted.astype(np.uint8))

    @property
    def label(self) -> str:
        """What stands beside a figure of this."""
        return f"{NETWORKS[self.network]}, {provenance_label(self.run)}; not a medical device"


def read_material(path: Path, *, lead: str | None = None) -> Material:
    """The beats of a WFDB record, or of a CSV file of rows where ``path`` ends in .csv."""
    if path.suffix.lower() == ".csv":
        if lead is not None:
            raise SettingError(f"{path} holds rows, not leads: --lead is for WFDB records.")
        beats, labelled = read_rows(path)
        note = (
            f"Rows are taken as the benchmark's: {BEAT_RATE} Hz, from one R peak past the next. "
            f"The network has learnt the rows of the published training file."
        )
        return Material(str(path), beats, labelled, None, (note,))
    record = read_lead(path, lead=lead)
    beats, left_out = cut_beats(record)
    notes = list(record.notes)
    if left_out:
        notes.append(f"{left_out:,} beats were left out: samples are missing in their rows.")
    if Path(record.name).name in map(str, RECORDS):
        notes.append(
            "A record of this name is in the MIT-BIH database, and the network has learnt four "
            "fifths of its beats: here it looks better than it is."
        )
    return Material(record.name, beats, record.annotated, record, tuple(notes))


def classify(
    material: Material,
    *,
    network: Network = "resnet",
    threshold: float = 0.9,
    device: torch.device | str = "cpu",
) -> Classified:
    """Class probabilities of every beat by the recorded network of that name."""
    if network not in NETWORKS:
        raise SettingError(f"Unknown network {network!r}: expected {' or '.join(NETWORKS)}.")
    if not 0 < threshold < 1:
        raise SettingError(
            f"threshold={threshold} divides nothing: expected a probability between 0 and 1."
        )
    probabilities, _ = predict(recorded_model(network), material.beats, device=device)
    return Classified(material, network, recorded_runs(network)[0], threshold, probabilities)


def confidence_of(found: Classified, label: int | None = None) -> dict[str, float | int | None]:
    """Beats called by one class (all without), their mean probability and share below threshold."""
    chosen = found.confidence if label is None else found.confidence[found.predicted == label]
    count = len(chosen)
    return {
        "beats": count,
        "mean": float(chosen.mean()) if count else None,
        "below": float((chosen < found.threshold).mean()) if count else None,
    }


def agreement(found: Classified) -> dict[str, Any] | None:
    """Scores against the classes that the file gives; None where it gives none."""
    if not found.material.labelled:
        return None
    labels = found.material.beats.labels
    table = confusion_matrix(labels, found.predicted, labels=range(len(CLASSES)))
    return {
        "accuracy": float(accuracy_of(table)),
        "macro_f1": float(macro_f1_of(table)),
        "confusion": table.tolist(),
    }


def strangers(network: Network) -> str:
    """How well the same network, trained by person, does on people it has not met."""
    run = recorded_runs(f"{network}-patients")[0]
    by_class = ", ".join(
        f"{name} {value:.2f}"
        for name, value in zip(CLASSES, run.report.sensitivity, strict=True)
        if value is not None
    )
    return (
        f"On people it has not met the same network, trained by person, had accuracy "
        f"{run.report.accuracy:.3f} and macro-F1 {run.report.macro_f1:.3f}; sensitivity {by_class} "
        f"({provenance_label(run)})."
    )


def as_json(found: Classified) -> dict[str, Any]:
    """Everything that was found, as plain data; times in seconds from the start of the record."""
    material, record = found.material, found.material.record
    times = material.beats.samples / SAMPLING_RATE
    by_beat = [
        {"class": CLASSES[label], "probability": round(float(sure), 4)}
        | ({"seconds": round(float(time), 3)} if record else {})
        for label, sure, time in zip(found.predicted, found.confidence, times, strict=True)
    ]
    return {
        "source": material.source,
        "lead": record.recording.lead if record else None,
        "sampling_rate": record.rate if record else None,
        "seconds": record.seconds if record else None,
        "beats_from": origin_of(material),
        "network": {"name": NETWORKS[found.network], "trained": provenance_label(found.run)},
        "beats": len(material.beats),
        "counts": found.beats.counts(),
        "threshold": found.threshold,
        "confidence": confidence_of(found),
        "confidence_by_class": {
            name: confidence_of(found, label) for label, name in enumerate(CLASSES)
        },
        "agreement": agreement(found),
        "notes": [*material.notes, strangers(found.network)],
        "warning": WARNING,
        "by_beat": by_beat,
    }


def origin_of(material: Material) -> str:
    """Where the beats come from."""
    if material.record is None:
        return "rows"
    return "annotations" if material.record.annotated else "detection"


def as_text(found: Classified) -> str:
    """What was found, for the terminal."""
    material, record = found.material, found.material.record
    head = f"{material.source}: {len(material.beats):,} beats"
    if record:
        minutes, seconds = divmod(record.seconds, 60)
        head += f" ({origin_of(material)}), lead {record.recording.lead}, "
        head += f"{minutes:.0f} min {seconds:.0f} s at {record.rate:g} Hz"
    below = f"below {found.threshold:g}"
    lines = [
        head,
        f"{NETWORKS[found.network]}, {provenance_label(found.run)}",
        "",
        f"{'class':36}{'beats':>8}{'share':>9}{'mean probability':>18}{below:>13}",
    ]
    rows = {f"{name}  {CLASS_NAMES[name]}": n for n, name in enumerate(CLASSES)} | {"all": None}
    for text, label in rows.items():
        of = confidence_of(found, label)
        line = f"{text:36}{of['beats']:>8,}{of['beats'] / len(material.beats):>9.1%}"
        if of["beats"]:
            line += f"{of['mean']:>18.3f}{of['below']:>13.1%}"
        lines.append(line)
    lines.append("")
    if scores := agreement(found):
        lines.append(
            f"Against the classes in the file: accuracy {scores['accuracy']:.4f}, macro-F1 "
            f"{scores['macro_f1']:.4f}."
        )
    lines += [f"Note: {note}" for note in (*material.notes, strangers(found.network))]
    return "\n".join([*lines, f"Warning: {WARNING}"])
