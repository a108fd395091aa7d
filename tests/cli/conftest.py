"""The command line, called as a user calls it."""

import sys

import pytest

from ecglab.cli import main


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command line: (exit code, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ecglab", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, *capsys.readouterr()

    return run
