"""What every lesson starts with: style, seeds, device, beats, and a banner that says which."""

import html
import platform
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import torch
from IPython.display import display
from matplotlib.figure import Figure

import ecglab
from ecglab.data.beats import Beats
from ecglab.data.database import Recording, find_database
from ecglab.data.load import load_beats, subsample
from ecglab.data.splits import Split, make_split
from ecglab.lessons import figures
from ecglab.lessons.profiles import Profile, get_profile
from ecglab.lessons.recordings import recording_of
from ecglab.lessons.style import apply_style

HEADLINE_TYPE: Final = "application/vnd.ecglab.headline+json"  # collected by the runner
ORIGINS: Final = {
    "MIT-BIH": "real heartbeats of the MIT-BIH Arrhythmia Database",
    "simulated": "SIMULATED heartbeats (ECGSYN), not recorded from any person: the MIT-BIH "
    "database was not found; 'ecglab data fetch' gets it",
}
LABELS: Final = {"MIT-BIH": "MIT-BIH", "simulated": "simulated data"}


@dataclass(frozen=True)
class Session:
    """One run of one lesson: its size, its randomness, where it computes and on which data."""

    lesson: str
    profile: Profile
    seed: int
    device: torch.device
    origin: str

    @cached_property
    def beats(self) -> Beats:
        """All heartbeats, real where the database is found; loaded at first use."""
        return load_beats(seed=self.seed)

    @cached_property
    def records(self) -> tuple[int, ...]:
        """Numbers of the records that the beats come from."""
        return tuple(np.unique(self.beats.records).tolist())

    def recording(self, record: int) -> Recording:
        """The recording that the beats of ``record`` were cut from."""
        return recording_of(self.beats, record, seed=self.seed)

    @property
    def label(self) -> str:
        """What figures and tables say about their numbers, such as ``MIT-BIH, quick run``."""
        return f"{LABELS[self.origin]}, {self.profile.name} run"

    def split(self, name: str, *, whole: bool = False) -> Split:
        """A split of the beats, both parts cut to the profile's size unless ``whole``.

        The cut is stratified: every class keeps its share.
        """
        split = make_split(name, self.beats)
        if whole:
            return split
        train = self.cut(split.train, self.profile.train_beats)
        test = self.cut(split.test, self.profile.test_beats)
        note = (
            f"{split.note}; {len(train):,} of {len(split.train):,} training beats, "
            f"{len(test):,} of {len(split.test):,} test beats"
        )
        return replace(split, train=train, test=test, note=note)

    def cut(self, beats: Beats, count: int | None) -> Beats:
        """At most ``count`` of the beats, drawn by the session's seed; None keeps all."""
        return beats if count is None else subsample(beats, count, seed=self.seed)

    def show(self, figure: Figure, alt: str, *, label: str | None = None) -> None:
        """Display a figure with its text alternative and the session's label, or another one."""
        figures.show(figure, alt, label=self.label if label is None else label)

    def png(self, figure: Figure) -> bytes:
        """A figure as PNG bytes for a widget, with the session's label."""
        return figures.png(figure, label=self.label)

    def table(self, rows: list[dict], caption: str, *, label: str | None = None) -> None:
        """Display rows as a table with the session's label, or another one."""
        figures.table(rows, caption, label=self.label if label is None else label)

    def headline(
        self, name: str, value: float, unit: str = "", *, label: str | None = None
    ) -> None:
        """Display one figure that sums the lesson up, and hand it to the runner.

        ``label`` says where the figure comes from if it is not this run, a recorded one for
        instance.
        """
        source = self.label if label is None else label
        shown = figures.headline_text(value, unit)
        text = f"{name}: {shown} ({source})"
        number = value.item() if isinstance(value, np.generic) else value
        record = {"name": name, "value": number, "unit": unit, "data": source}
        display(
            {
                HEADLINE_TYPE: record,
                "text/html": f"<p>{html.escape(name)}: <strong>{html.escape(shown)}</strong> "
                f"<small>({html.escape(source)})</small></p>",
                "text/plain": text,
            },
            raw=True,
        )


def start(lesson: str, *, profile: str = "quick", seed: int = 0) -> Session:
    """Start a lesson: style, seeds and device are set, the banner says what it runs on."""
    size = get_profile(profile)
    apply_style()
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for libraries that draw from the global generator
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    origin = "simulated" if find_database() is None else "MIT-BIH"
    session = Session(lesson, size, seed, device, origin)
    lines = banner(session)
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(text)}</td></tr>'
        for name, text in lines.items()
    )
    plain = "\n".join(f"{name + ':':10}{text}" for name, text in lines.items())
    display({"text/html": f"<table>{rows}</table>", "text/plain": plain}, raw=True)
    return session


def banner(session: Session) -> dict[str, str]:
    """The lines that say what a lesson runs on."""
    device = session.device.type
    if device == "cuda":
        device = f"{device} ({torch.cuda.get_device_name(session.device)})"
    else:
        device = f"{device} ({torch.get_num_threads()} threads)"
    versions = {
        "ecglab": ecglab.__version__,
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    return {
        "Lesson": session.lesson,
        "Data": ORIGINS[session.origin],
        "Profile": f"{session.profile.name} - {session.profile.purpose}",
        "Seed": str(session.seed),
        "Device": device,
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
