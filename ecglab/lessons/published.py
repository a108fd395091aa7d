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


@dataclass(frozen=True)
class PublishedGrowth:
    """One row of GROWTH's table: mean and standard deviation over three runs of 64 epochs.

    Accuracies are in per cent, ``parameters_per_epoch`` in millions; a fixed network has no
    deviation there.
    """

    kind: str
    depth: int
    validation: tuple[float, float]
    test: tuple[float, float]
    co2_g: float
    kwh: float
    parameters_per_epoch: tuple[float, float | None]

    @property
    def intensity(self) -> float:
        """Grams of CO2 that were charged for a kilowatt-hour of this row's runs."""
        return self.co2_g / self.kwh


PUBLISHED_GROWTH: Final = (
    PublishedGrowth("grown", 50, (96.33, 0.46), (97.14, 0.08), 411.34, 1.32, (0.46, 0.01)),
    PublishedGrowth("grown", 74, (96.41, 0.42), (97.10, 0.05), 410.09, 1.31, (0.63, 0.06)),
    PublishedGrowth("fixed", 50, (96.19, 0.44), (97.09, 0.03), 611.49, 1.75, (0.76, None)),
    PublishedGrowth("fixed", 74, (96.38, 0.51), (96.93, 0.16), 738.23, 2.14, (1.15, None)),
)


def published_growth(kind: str, depth: int) -> PublishedGrowth:
    """GROWTH's row of a grown or a fixed network."""
    return next(p for p in PUBLISHED_GROWTH if (p.kind, p.depth) == (kind, depth))


def published_saving(depth: int, quantity: str) -> float:
    """Share of a quantity that GROWTH's grown network saves: co2_g, kwh, parameters_per_epoch."""

    def value(kind: str) -> float:
        found = getattr(published_growth(kind, depth), quantity)
        return found[0] if isinstance(found, tuple) else found

    return 1 - value("grown") / value("fixed")
