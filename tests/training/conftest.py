"""Small sets of beats that a small network can learn, made from formulas."""

import numpy as np
import pytest

from ecglab.data.beats import BEAT_LENGTH, Beats


def waves(count: int, *, seed: int = 0, shares=(0.4, 0.2, 0.2, 0.1, 0.1)) -> Beats:
    """Sine waves whose frequency is the class, with noise; ten records."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(5, count, p=shares).astype(np.uint8)
    time = np.arange(BEAT_LENGTH) / BEAT_LENGTH
    phase = rng.uniform(0, 0.1, (count, 1))
    values = 0.5 + 0.4 * np.sin(2 * np.pi * (time * (1 + 2 * labels[:, None]) + phase))
    values += 0.05 * rng.standard_normal(values.shape)
    return Beats(
        values.astype(np.float32),
        labels,
        np.repeat(np.arange(10), -(-count // 10))[:count].astype(np.int32),
        np.arange(count, dtype=np.int32) * 300,
        "simulated",
    )


@pytest.fixture(scope="session")
def make_waves():
    return waves


@pytest.fixture(scope="session")
def train_beats() -> Beats:
    return waves(90, seed=1)


@pytest.fixture(scope="session")
def held_beats() -> Beats:
    return waves(40, seed=2)
