"""What the four founding documents report, as data, to stand beside what we measure.

REPORT (2024): ResNet against neural ODE on ECG. SLIDES (2020): the original study. REPLICATION
(2022): a university talk that repeats it. GROWTH (2024): adaptive growth on spectrograms.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np


@dataclass(frozen=True)
class Published:
    """One published result; minutes and seconds are those of the authors' own machines."""

    document: str
    network: str
    parameters: int
    split: str
    accuracy: float
    minutes_per_epoch: tuple[float, ...] = ()
    evaluation_seconds: float | None = None


PUBLISHED: Final = (
    Published("SLIDES", "resnet", 182_853, "benchmark", 0.974, (10.1, 11.0)),
    Published("SLIDES", "odenet", 59_333, "benchmark", 0.976, (61.9, 71.2, 73.6, 80.5, 97.4)),
    Published("REPLICATION", "resnet", 182_853, "benchmark", 0.980, (1.6, 1.8), 9),
    Published("REPLICATION", "odenet", 59_333, "benchmark", 0.979, (11.7, 16.6), 70),
    Published("REPORT", "resnet", 19_237, "balanced", 0.958, (12.0,)),
    Published("REPORT", "odenet", 6_885, "balanced", 0.923, (84.0,)),
)

# Confusion matrices of REPORT on its 3,500 balanced beats; rows true, columns predicted, N S V F Q.
REPORT_CONFUSION: Final = {
    "resnet": (
        (745, 11, 12, 32, 0),
        (46, 741, 6, 7, 0),
        (3, 0, 770, 26, 1),
        (0, 0, 1, 299, 0),
        (1, 0, 0, 0, 799),
    ),
    "odenet": (
        (728, 46, 15, 11, 0),
        (103, 689, 5, 3, 0),
        (17, 4, 739, 40, 0),
        (11, 0, 2, 287, 0),
        (7, 0, 6, 0, 787),
    ),
}

# SLIDES: validation loss after each of five epochs.
SLIDES_VALIDATION_LOSS: Final = {
    "resnet": (0.36, 0.79, 0.23, 0.13, 0.10),
    "odenet": (0.23, 0.14, 0.12, 0.09, 0.09),
}

# Inter-patient results (DS1 to DS2) in the literature.
INTER_PATIENT: Final = {
    "de Chazal et al. 2004": 0.862,
    "Zhang et al. 2014": 0.883,
    "Mondejar-Guerra et al. 2019": 0.945,
}


def published(document: str, network: str) -> Published:
    """The result of one network in one document."""
    return next(p for p in PUBLISHED if (p.document, p.network) == (document, network))


def accuracy_of_confusion(network: str) -> float:
    """Accuracy that REPORT's own confusion matrix gives."""
    table = np.array(REPORT_CONFUSION[network])
    return float(np.trace(table) / table.sum())
