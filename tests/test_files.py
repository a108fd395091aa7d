"""Files are replaced as a whole or not at all."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from ecglab.files import write_atomically


def test_a_file_is_written_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    write_atomically(path, lambda part: part.write_text("new"))
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_the_part_lies_beside_its_file_and_shares_its_suffix(tmp_path):
    seen = []
    path = tmp_path / "beats.npz"
    write_atomically(path, lambda part: (seen.append(part), part.write_bytes(b"")))
    assert seen[0].parent == tmp_path
    assert seen[0].suffix == ".npz"
    assert seen[0] != path


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_write_leaves_the_old_file(error, tmp_path):
    path = tmp_path / "c.txt"
    path.write_text("old")

    def half(part):
        part.write_text("ha")
        raise error

    with pytest.raises(error):
        write_atomically(path, half)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text("old")
    program = (
        "import os, signal, sys; from pathlib import Path; from ecglab.files import *\n"
        "def half(part):\n    part.write_text('ha'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomically(Path(sys.argv[1]), half)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)])
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
def test_a_file_gets_the_permissions_that_every_new_file_gets(tmp_path):
    plain, path = tmp_path / "plain", tmp_path / "c.txt"
    plain.write_text("")
    write_atomically(path, lambda part: part.write_text(""))
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
