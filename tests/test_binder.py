"""The classroom image and the dev container: what they are built from, what they start, what if."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupyterlab
import pytest
from packaging.specifiers import SpecifierSet

import ecglab
from ecglab.lessons.addresses import INDEX
from ecglab.lessons.readme import read_project

ROOT = Path(ecglab.__file__).resolve().parents[1]
BINDER = ROOT / "binder"
SCHEMAS = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory) -> str:
    """What repo2docker makes of the checkout's binder/, beside another environment at the root."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(BINDER, folder / "binder")
    for name in ("environment.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(folder)]
    bare = {**os.environ, "PATH": "/usr/bin:/bin", "DOCKER_HOST": "tcp://127.0.0.1:1"}  # no engine
    done = subprocess.run(command, capture_output=True, text=True, env=bare)
    assert done.returncode == 0, done.stderr
    assert "Building conda environment for python=3.11" in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_repo2docker_builds_python_3_11_from_binders_environment(dockerfile):
    assert re.search(
        r"^COPY .*environment-2epy-2d3-2e11-2dlinux.*environment\.lock$", dockerfile, re.M
    )
    assert "src/binder/environment.yml ${REPO_DIR}/binder/environment.yml" in dockerfile
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile
    assert '--file "environment.yml"' not in dockerfile


def test_repo2docker_runs_post_build_last_and_starts_through_start(dockerfile):
    lines = dockerfile.splitlines()
    copied = lines.index("COPY --chown=0:0 src/ ${REPO_DIR}/")
    built = lines.index("RUN ./binder/postBuild")
    user = max(n for n, line in enumerate(lines[:built]) if line.startswith("USER "))
    assert copied < user < built
    assert lines[user] == "USER ${NB_USER}"  # the database lies in the learner's own cache
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in lines[built:]


def test_start_limits_threads_and_runs_what_it_is_given():
    shown = 'echo "$OMP_NUM_THREADS $GOMP_SPINCOUNT $1"'
    command = [BINDER / "start", "sh", "-c", shown, "-", "two words"]
    bare = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=bare)
    ours = subprocess.run(
        [sys.executable, "-c", "import os, ecglab; print(os.environ['GOMP_SPINCOUNT'])"],
        capture_output=True,
        text=True,
        check=True,
        env=bare,
    )
    assert done.stdout == f"2 {ours.stdout.strip()} two words\n"


def test_the_image_opens_on_the_index_as_a_page():
    config = json.loads((BINDER / "jupyter_config.json").read_text())
    assert {"ServerApp", "LabApp", "JupyterNotebookApp"} == set(config)
    assert {part["default_url"] for part in config.values()} == {f"/lab/tree/{INDEX}"}
    assert (ROOT / INDEX).is_file()


def test_jupyterlab_knows_every_setting_that_is_overridden():
    assert Path(jupyterlab.__file__).is_relative_to(sys.prefix)
    for plugin, settings in json.loads((BINDER / "overrides.json").read_text()).items():
        package, name = plugin.split(":")
        schema = json.loads((SCHEMAS / package / f"{name}.json").read_text())
        assert set(settings) <= set(schema["properties"])


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Run postBuild with a pip that only notes its arguments and a fetch that fails ``n`` times."""
    binaries, prefix, cache = (tmp_path / name for name in ("bin", "prefix", "cache"))
    for folder in (binaries, prefix, cache):
        folder.mkdir()
    said = tmp_path / "pip.txt"
    python = f"""#!/bin/sh
case "$*" in
  "-m pip "*) echo "$*" >> {said}; exit "${{PIP_FAILS:-0}}";;
  "-c import sys; print(sys.prefix)") echo {prefix};;
  *load_beats*) echo "beats are prepared";;
  *) exec {sys.executable} "$@";;
esac
"""
    # Leaves half of the database behind each time, as a broken connection does.
    fetch = f"""#!/bin/sh
[ "$*" = "data fetch --no-progress" ] || exit 9
mkdir -p {cache}/mitdb && touch {cache}/mitdb/100.hea
echo try >> {tmp_path}/tries.txt
[ "$(wc -l < {tmp_path}/tries.txt)" -gt "$FETCH_FAILS" ] && exit 0
echo "ecglab: 100.dat could not be fetched" >&2; exit 1
"""
    for name, text in {"python": python, "ecglab": fetch}.items():
        (binaries / name).write_text(text)
        (binaries / name).chmod(0o755)
    shutil.copytree(BINDER, tmp_path / "repository" / "binder")

    def run(*, fetch_fails: int = 0, pip_fails: int = 0) -> subprocess.CompletedProcess:
        own = {"FETCH_FAILS": fetch_fails, "PIP_FAILS": pip_fails, "PAUSE": 0}
        own |= {"ECGLAB_CACHE": cache, "PATH": f"{binaries}:{os.environ['PATH']}"}
        return subprocess.run(
            [tmp_path / "repository" / "binder" / "postBuild"],
            capture_output=True,
            text=True,
            env={**os.environ, **{name: str(value) for name, value in own.items()}},
        )

    return run


def test_the_build_installs_the_package_and_the_settings(build, tmp_path):
    done = build()
    assert done.returncode == 0, done.stderr
    assert (
        tmp_path / "pip.txt"
    ).read_text() == "-m pip install --no-cache-dir --no-deps --editable .\n"
    settings = tmp_path / "prefix" / "share" / "jupyter" / "lab" / "settings"
    for name, folder in {
        "overrides.json": settings,
        "jupyter_config.json": tmp_path / "prefix" / "etc" / "jupyter",
    }.items():
        assert (folder / name).read_text() == (BINDER / name).read_text()
    assert done.stdout.splitlines()[-1] == "beats are prepared"
    assert "NO DATABASE" not in done.stderr
    assert (tmp_path / "cache" / "mitdb").is_dir()


def test_the_build_tries_the_database_again(build, tmp_path):
    done = build(fetch_fails=2)
    assert done.returncode == 0
    assert done.stderr.count("could not be fetched") == 2
    assert "Try 2 of 3" in done.stderr
    assert "NO DATABASE" not in done.stderr
    assert (tmp_path / "cache" / "mitdb").is_dir()


def test_a_build_without_the_database_says_so_and_leaves_no_half_of_one(build, tmp_path):
    done = build(fetch_fails=9)
    assert done.returncode == 0
    assert done.stderr.count("could not be fetched") == 3
    assert "NO DATABASE in this image: its lessons use simulated heartbeats" in done.stderr
    assert not (tmp_path / "cache" / "mitdb").exists()
    assert done.stdout.splitlines()[-1] == "beats are prepared"


def test_a_build_without_the_package_fails(build, tmp_path):
    assert build(pip_fails=1).returncode != 0
    assert not (tmp_path / "tries.txt").exists()


@pytest.fixture(scope="module")
def container() -> dict:
    return json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())


def test_the_dev_container_has_a_python_of_the_course(container):
    image, _, tag = container["image"].partition(":")
    assert image.endswith("/devcontainers/python")
    assert tag in SpecifierSet(read_project()["requires-python"])


def test_the_dev_containers_command_is_a_target_of_the_makefile(container):
    program, target = container["postCreateCommand"].split()
    assert program == "make"
    done = subprocess.run(
        ["make", "--directory", ROOT, "--dry-run", target], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_dev_container_opens_jupyterlabs_port_and_the_python_that_make_fills(container):
    assert container["portsAttributes"].keys() == {str(p) for p in container["forwardPorts"]}
    assert container["portsAttributes"]["8888"]["label"] == "JupyterLab"
    code = container["customizations"]["vscode"]
    assert {"ms-python.python", "ms-toolsai.jupyter"} <= set(code["extensions"])
    venv = re.search(r"^VENV := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    python = code["settings"]["python.defaultInterpreterPath"]
    assert python == f"${{containerWorkspaceFolder}}/{venv}/bin/python"
    assert (ROOT / code["settings"]["jupyter.notebookFileRoot"].partition("/")[2]).is_dir()
