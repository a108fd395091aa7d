"""The command line: what it prints, what it writes, how it fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyterlab.labapp import LabApp

from ecglab import __version__
from ecglab.data import database
from ecglab.data.database import DATABASE_VARIABLE

COMMANDS = [
    *("check", "models", "train", "sweep", "study", "grow", "bench", "run", "classify", "lab"),
    *("data fetch", "data verify", "data export", "lessons student", "lessons solutions"),
    "lessons slides",
]
COUNTS = {"resnet": 182_853, "odenet": 59_333, "narrow resnet": 19_237, "narrow odenet": 6_885}


@pytest.fixture
def no_database(monkeypatch):
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)


def one_sentence(error: str) -> bool:
    return error.startswith("ecglab: ") and error.count("\n") == 1 and "Traceback" not in error


def test_it_starts_without_loading_torch():
    check = "import sys, ecglab.cli; print({'torch', 'papermill', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_python_m_ecglab_is_the_same_program():
    command = [sys.executable, "-m", "ecglab", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"ecglab {__version__}"


def test_torch_takes_over_how_long_its_threads_wait_unless_the_user_says_so():
    check = "import ecglab, torch"
    for wish, taken in (({}, "3000"), ({"GOMP_SPINCOUNT": "77"}, "77")):
        own = {n: value for n, value in os.environ.items() if n != "GOMP_SPINCOUNT"}
        own |= {"OMP_DISPLAY_ENV": "verbose"} | wish
        done = subprocess.run(
            [sys.executable, "-c", check], capture_output=True, text=True, env=own
        )
        if "GOMP_SPINCOUNT" not in done.stderr:
            pytest.skip("torch was built with another OpenMP than GNU's")
        assert f"GOMP_SPINCOUNT = '{taken}'" in done.stderr


def test_lab_opens_the_lessons_with_the_data_that_was_named(call, monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(database, "holds_database", lambda folder: folder == tmp_path / "data")
    monkeypatch.setenv(DATABASE_VARIABLE, "elsewhere")
    started = []
    monkeypatch.setattr(LabApp, "launch_instance", started.append)
    assert call("lab", "--data", tmp_path / "data", "--", "--port", "9000")[0] == 0
    ((folder, *options),) = started
    assert (Path(folder) / "03_odenet.ipynb").is_file()
    assert options == ["--port", "9000"]
    assert os.environ[DATABASE_VARIABLE] == str(tmp_path / "data")


def test_lab_without_lessons_or_jupyterlab_says_so(call, monkeypatch, tmp_path):
    code, _, error = call("lab", "--notebooks", tmp_path)
    assert code == 1 and one_sentence(error) and "No lesson found" in error
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    code, _, error = call("lab")
    assert code == 1 and one_sentence(error) and "JupyterLab is not installed" in error


def test_the_first_page_of_help_names_every_command(call):
    code, out, _ = call("--help")
    assert code == 0
    for command in COMMANDS:
        assert f"\n  {command.split()[0]} " in out
    assert "simulated" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(call, command):
    code, out, _ = call(*command.split(), "--help")
    assert code == 0
    _, _, options = out.partition("Options:\n")
    for entry in options.split("\n  -")[1:]:
        words = entry.split("  ", 1)
        assert len(words) == 2 or "\n" in entry, f"{command}: -{entry} has no explanation"


def test_the_defaults_in_the_help_are_those_of_training(call):
    from ecglab.models import Solver
    from ecglab.training.settings import TrainSettings

    _, out, _ = call("train", "--help")
    text = " ".join(out.partition("Options:")[2].split())
    names = (
        "epochs",
        "batch_size",
        "learning_rate",
        "schedule",
        "weight_decay",
        "sampling",
        "seed",
    )
    defaults = {name: getattr(TrainSettings(), name) for name in names}
    defaults |= {name: getattr(Solver(), name) for name in ("method", "rtol", "atol", "gradient")}
    for name, value in defaults.items():
        option = text.partition(f"--{name.replace('_', '-')} ")[2]
        assert f"{value} unless given" in option[:160], name


def test_an_unknown_command_is_a_usage_error(call):
    code, _, error = call("dance")
    assert code == 2
    assert "dance" in error


def test_check_says_what_is_there(call, no_database):
    code, out, error = call("check")
    assert code == 0, error
    subjects = "ecglab Python packages lessons device memory energy data cache"
    for subject in subjects.split():
        assert f"{subject}:" in out
    assert "simulated" in out
    assert "ecglab data fetch" in out


def test_check_answers_a_wrong_folder_with_a_remedy(call, tmp_path):
    code, out, error = call("check", "--data", tmp_path)
    assert code == 1
    assert str(tmp_path) in out
    assert "ECGLAB_DATA, or unset it" in out
    assert one_sentence(error)


def test_check_names_a_package_that_is_missing_or_old(monkeypatch):
    from packaging.requirements import Requirement

    from ecglab import doctor

    assert doctor.fault_of(Requirement("surely-not-installed>=1")).endswith("is not installed")
    assert "torch >=999 is needed" in doctor.fault_of(Requirement("torch>=999"))
    assert doctor.fault_of(Requirement("torch>=2.6")) == ""
    monkeypatch.setattr(doctor, "requires", lambda name: ["surely-not-installed>=1"])
    (core, lessons) = doctor.packages()
    assert (core.status, lessons.status) == ("problem", "ok")


def test_check_answers_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    from ecglab.doctor import cache

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ECGLAB_CACHE", str(tmp_path / "file" / "cache"))
    found = cache()
    assert found.status == "problem"
    assert "ECGLAB_CACHE" in found.remedy


def test_check_counts_missing_files(tmp_path):
    from ecglab.doctor import database

    (tmp_path / "100.hea").write_text("")
    found = database(tmp_path)
    assert found.status == "problem"
    assert "143 of 144" in found.found


def test_models_lists_the_four_networks_and_their_layers(call):
    code, out, _ = call("models", "--json")
    assert code == 0
    found = json.loads(out)
    assert {entry["name"]: entry["parameters"] for entry in found} == COUNTS
    for entry in found:
        assert sum(layer["parameters"] for layer in entry["layers"]) == entry["parameters"]
        assert entry["layers"][-1]["output"] == [5]
    code, out, _ = call("models")
    assert code == 0
    for name, count in COUNTS.items():
        assert f"{name}: {count:,} parameters" in out
    assert "TimeConv1d" in out


def test_verify_and_export_need_the_database(call, no_database, tmp_path):
    for command in (["verify"], ["export", "--out", tmp_path / "out"]):
        code, _, error = call("data", *command)
        assert code == 1
        assert one_sentence(error)
        assert "ecglab data fetch" in error
    assert not (tmp_path / "out").exists()


def test_verify_names_what_is_missing_and_what_differs(call, tmp_path):
    (tmp_path / "100.hea").write_text("not the published one")
    code, _, error = call("data", "verify", "--data", tmp_path)
    assert code == 1
    assert one_sentence(error)
    assert "144 of 144" in error
    assert "100.dat is missing" in error


@pytest.mark.mitdb
def test_verify_accepts_the_database(call, mitdb):
    code, out, _ = call("data", "verify", "--data", mitdb)
    assert code == 0
    assert "All 144 files" in out


@pytest.mark.mitdb
def test_export_writes_the_published_counts(call, mitdb, tmp_path):
    code, out, _ = call("data", "export", "--split", "balanced", "--out", tmp_path, "--data", mitdb)
    assert code == 0
    assert "105,946 beats" in out
    with (tmp_path / "mitbih_test.csv").open() as file:
        rows = [line.split(",") for line in file]
    assert len(rows) == 3_500
    assert {len(row) for row in rows} == {188}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["resnet", "--steps", "3"], "--steps"),
        (["odenet", "--blocks", "3"], "--blocks"),
        (["odenet", "--method", "leapfrog"], "leapfrog"),
        (["odenet", "--rtol", "-1"], "rtol"),
        (["resnet", "--epochs", "0"], "epochs"),
        (["resnet", "--device", "cuda:99"], "cuda:99"),
        (["resnet", "--device", "abacus"], "abacus"),
        (["resnet", "--data", "no/such/folder"], "no/such/folder"),
    ],
)
def test_train_answers_a_wrong_setting_in_one_sentence(
    call, no_database, tmp_path, arguments, found
):
    code, _, error = call("train", *arguments, "--out", tmp_path / "run", "--no-progress")
    assert code == 1
    assert one_sentence(error)
    assert found in error
    assert not (tmp_path / "run").exists()


def test_a_file_in_the_way_is_one_sentence(call, no_database, tmp_path):
    (tmp_path / "file").write_text("")
    options = ["--epochs", 1, "--width", 1, "--blocks", 1, "--batch-size", 2000, "--no-progress"]
    code, _, error = call("train", "resnet", *options, "--out", tmp_path / "file")
    assert code == 1
    assert one_sentence(error)
    assert str(tmp_path / "file") in error


def test_train_writes_a_run(call, no_database, tmp_path):
    from ecglab.training.runs import read_run

    code, out, _ = call(
        *("train", "odenet", "--split", "patients", "--out", tmp_path, "--no-progress"),
        *("--epochs", 1, "--batch-size", 1000, "--width", 2, "--method", "euler", "--steps", 2),
        *("--gradient", "direct", "--device", "cpu", "--recipe", "founding"),
    )
    assert code == 0
    run = read_run(tmp_path / "run.json")
    assert run.network == "odenet"
    assert run.data["origin"] == "simulated"
    assert run.data["split"] == "patients"
    assert run.options == {"width": 2, "method": "euler", "steps": 2, "gradient": "direct"}
    assert run.settings["learning_rate"] == 0.1  # the founding recipe
    assert run.settings["batch_size"] == 1000  # what was given goes before it
    assert run.provenance["command"].startswith("ecglab train odenet")
    assert f"{run.report.accuracy:.4f}" in out
    assert "simulated" in out
    assert (tmp_path / "weights.safetensors").stat().st_size < 1e6


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["99"], "99"),
        (["-p", "seed"], "NAME=VALUE"),
        (["-p", "=3"], "NAME=VALUE"),
        (["--notebooks", "no/such/folder"], "no/such/folder"),
        (["--data", "no/such/folder"], "no/such/folder"),
    ],
)
def test_run_answers_a_wrong_argument_in_one_sentence(
    call, no_database, tmp_path, arguments, found
):
    code, _, error = call("run", *arguments, "--out", tmp_path / "out")
    assert code == 1
    assert one_sentence(error)
    assert found in error
    assert not (tmp_path / "out").exists()
