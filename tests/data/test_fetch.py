"""Fetching, against a server on this machine that can be told to fail."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ecglab.data.database import RECORDS, SUFFIXES
from ecglab.data.fetch import PHYSIONET, checksums, fetch, fetch_files, verify
from ecglab.errors import DataError

FILES = {f"{n}.dat": bytes([n]) * 300_000 for n in range(1, 7)}
REGISTRY = {name: hashlib.sha256(text).hexdigest() for name, text in FILES.items()}


class Server:
    """Serves FILES; ``faults[name]`` lists what goes wrong in the next requests for a file."""

    def __init__(self):
        self.asked, self.faults = [], {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                outer.asked.append(name)
                waiting = outer.faults.get(name)
                fault = waiting.pop(0) if waiting else None
                if isinstance(fault, int):
                    return self.send_error(fault)
                if name not in FILES:
                    return self.send_error(404)
                body = FILES[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if fault == "stall":
                    self.wfile.write(body[:100_000])
                    self.wfile.flush()
                    time.sleep(20)
                elif fault == "break off":
                    self.wfile.write(body[:100_000])
                elif fault == "wrong":
                    self.wfile.write(b"x" * len(body))
                else:
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/mitdb"

    def fetch(self, folder, *, retries=0):
        return fetch_files(REGISTRY, folder, base_url=self.url, retries=retries, progress=False)


@pytest.fixture
def server():
    found = Server()
    thread = threading.Thread(target=found.http.serve_forever, daemon=True)
    thread.start()
    yield found
    found.http.shutdown()
    found.http.server_close()


def whole(folder):
    return {path.name for path in folder.iterdir() if path.read_bytes() == FILES.get(path.name)}


def test_every_file_comes_whole(server, tmp_path, capsys):
    folder = server.fetch(tmp_path / "deep" / "mitdb")
    assert whole(folder) == {path.name for path in folder.iterdir()} == set(FILES)
    assert verify(folder, registry=REGISTRY).ok
    assert capsys.readouterr() == ("", "")


def test_what_is_there_is_kept_and_what_is_damaged_replaced(server, tmp_path):
    (tmp_path / "1.dat").write_bytes(FILES["1.dat"])
    (tmp_path / "2.dat").write_bytes(b"damaged")
    server.fetch(tmp_path)
    assert whole(tmp_path) == set(FILES)
    assert sorted(server.asked) == [f"{n}.dat" for n in range(2, 7)]
    server.fetch(tmp_path)
    assert len(server.asked) == 5


@pytest.mark.parametrize("fault", [503, "break off", "wrong"])
def test_a_passing_fault_is_retried(server, tmp_path, fault):
    server.faults["3.dat"] = [fault]
    server.fetch(tmp_path, retries=1)
    assert whole(tmp_path) == set(FILES)
    assert server.asked.count("3.dat") == 2


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (404, "the server answered 404"),
        (503, "the server answered 503"),
        ("break off", "no whole answer from the server"),
        ("wrong", REGISTRY["3.dat"]),
    ],
)
def test_a_lasting_fault_is_one_sentence_and_leaves_no_half_file(server, tmp_path, fault, found):
    server.faults["3.dat"] = [fault] * 10
    with pytest.raises(DataError) as caught:
        server.fetch(tmp_path)
    text = str(caught.value)
    assert text.startswith("3.dat could not be fetched from http://127.0.0.1")
    assert found in text and "expected" in text and "again" in text
    assert len(text) < 400 and "\n" not in text
    left = {path.name for path in tmp_path.iterdir()}
    assert left == whole(tmp_path) and "3.dat" not in left
    server.faults.clear()
    server.fetch(tmp_path)
    assert whole(tmp_path) == set(FILES)


def test_a_failed_fetch_leaves_a_damaged_file_for_verify_to_name(server, tmp_path):
    (tmp_path / "3.dat").write_bytes(b"damaged")
    server.faults["3.dat"] = [404]
    with pytest.raises(DataError):
        server.fetch(tmp_path)
    assert verify(tmp_path, registry=REGISTRY).differing == ("3.dat",)


def test_no_server(tmp_path):
    with pytest.raises(DataError, match=r"no whole answer.*ConnectionError.*connection"):
        fetch(tmp_path, base_url="http://127.0.0.1:9/", retries=0, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_killed_fetch_leaves_nothing_under_the_final_name(server, tmp_path):
    server.faults["3.dat"] = ["stall"]
    program = (
        "import sys; from pathlib import Path; from ecglab.data.fetch import fetch_files\n"
        "fetch_files({'3.dat': sys.argv[1]}, Path(sys.argv[2]), base_url=sys.argv[3], "
        "retries=0, progress=False)"
    )
    command = [sys.executable, "-c", program, REGISTRY["3.dat"], str(tmp_path), server.url]
    process = subprocess.Popen(command)
    for _ in range(600):
        if any(path.stat().st_size for path in tmp_path.iterdir()):  # the half file is there
            break
        time.sleep(0.05)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "3.dat").exists()
    server.fetch(tmp_path)
    assert whole(tmp_path) == set(FILES)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="name a folder that can be written to"):
        fetch(tmp_path / "file" / "mitdb", progress=False)


def test_the_default_folder_is_in_the_cache(cache_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLAB_CACHE", str(tmp_path))
    with pytest.raises(DataError):
        fetch(base_url="http://127.0.0.1:9/", retries=0, progress=False)
    assert (tmp_path / "mitdb").is_dir()


def test_progress_is_shown_on_request(server, tmp_path, capsys):
    fetch_files(REGISTRY, tmp_path, base_url=server.url, retries=0, progress=True)
    assert "6/6" in capsys.readouterr().err


def test_the_table_of_checksums_is_that_of_the_48_records():
    assert set(checksums()) == {f"{r}{suffix}" for r in RECORDS for suffix in SUFFIXES}
    assert all(len(bytes.fromhex(digest)) == 32 for digest in checksums().values())
    assert PHYSIONET.startswith("https://physionet.org/")


def test_verify_names_what_is_missing_and_what_differs(tmp_path):
    (tmp_path / "1.dat").write_bytes(FILES["1.dat"])
    (tmp_path / "2.dat").write_bytes(b"damaged")
    found = verify(tmp_path, registry=REGISTRY)
    assert not found.ok and found.checked == 6
    assert found.differing == ("2.dat",)
    assert found.missing == ("3.dat", "4.dat", "5.dat", "6.dat")
    assert not verify(tmp_path / "nowhere").ok


@pytest.mark.mitdb
def test_the_real_database_is_the_published_one(mitdb):
    found = verify(mitdb)
    assert found.ok and found.checked == 144
