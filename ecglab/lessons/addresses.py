"""Where the course is published, and the links that open a lesson there.

This stands once, in ``[project.urls]`` of pyproject.toml: ``Repository`` on GitHub, from which
Binder and Colab take the lessons, and ``Gallery``, where the pages of ``ecglab run`` are shown.
What is not named there gets no link.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ecglab.errors import SettingError

BRANCH: Final = "main"
INDEX: Final = "notebooks/index.md"
ZIP: Final = "./ecglab.zip"  # the course as a file, put beside a lesson by hand
GITHUB: Final = re.compile(r"https://github\.com/(?P<place>[\w.-]+/[\w.-]+?)(\.git|/)?")


@dataclass(frozen=True)
class Addresses:
    """Where the course can be had: ``repository`` as OWNER/NAME on GitHub, ``gallery`` as URL."""

    repository: str | None = None
    gallery: str | None = None

    @property
    def source(self) -> str:
        """What pip installs the course from where there is no checkout."""
        return f"git+https://github.com/{self.repository}" if self.repository else ZIP

    def binder(self, path: str = INDEX) -> str:
        """The link that starts the classroom image on a file of the checkout."""
        opened = quote(f"lab/tree/{path}", safe="")
        return f"https://mybinder.org/v2/gh/{self.repository}/{BRANCH}?urlpath={opened}"

    def colab(self, path: str) -> str:
        """The link that opens a notebook of the checkout in Colab."""
        return f"https://colab.research.google.com/github/{self.repository}/blob/{BRANCH}/{path}"

    def of_lesson(self, lesson: str) -> dict[str, str]:
        """The links that open one lesson, such as ``01_eda``, by the names of the places."""
        path = f"notebooks/{lesson}.ipynb"
        found = {}
        if self.repository:
            found |= {"Binder": self.binder(path), "Colab": self.colab(path)}
        if self.gallery:
            found["page"] = f"{self.gallery.rstrip('/')}/{lesson}.html"
        return found


def read_addresses(project: Mapping[str, Any]) -> Addresses:
    """The addresses in the ``[project]`` table of pyproject.toml."""
    named = project.get("urls", {})
    repository, gallery = named.get("Repository"), named.get("Gallery")
    if repository is None:
        return Addresses(gallery=gallery)
    if not (found := GITHUB.fullmatch(repository)):
        raise SettingError(
            f"The Repository in [project.urls] of pyproject.toml is {repository!r}: expected "
            f"https://github.com/OWNER/NAME, from which Binder and Colab can take the lessons."
        )
    return Addresses(found["place"], gallery)
