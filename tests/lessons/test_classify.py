"""Beats of a file of one's own: the numbers are those of the network, and the caution is there."""

import io
import json
import shutil

import numpy as np
import pytest
import wfdb
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score

from ecglab.data.beats import extract_beats
from ecglab.data.csvfile import write_csv
from ecglab.data.database import read_recording
from ecglab.data.simulate import simulate_recording
from ecglab.errors import SettingError
from ecglab.lessons.classify import WARNING, as_json, as_text, classify, read_material
from ecglab.lessons.classify_figures import save_picture
from ecglab.lessons.recorded import recorded_model
from ecglab.training.evaluate import predict


@pytest.fixture(scope="module")
def person():
    return simulate_recording(1004, seed=0, seconds=60)


@pytest.fixture(scope="module")
def path(person, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    signal = {"fmt": ["16"], "adc_gain": [200.0], "baseline": [0], "units": ["mV"]}
    volts = person.millivolts()[:, None]
    about = {"sig_name": ["MLII"], "p_signal": volts, "write_dir": str(folder)}
    wfdb.wrsamp("mine", fs=360, **signal, **about)
    wfdb.wrann("mine", "atr", person.samples, symbol=[*person.symbols], write_dir=str(folder))
    return folder / "mine"


@pytest.fixture(scope="module")
def found(path):
    return classify(read_material(path), threshold=0.8)


def test_probabilities_are_those_of_the_recorded_network(found, person):
    beats = extract_beats(person)
    expected, _ = predict(recorded_model("resnet"), beats)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    labels = expected.argmax(1)
    np.testing.assert_array_equal(found.beats.labels, labels)
    other = classify(found.material, network="odenet")
    expected, _ = predict(recorded_model("odenet"), beats)
    np.testing.assert_allclose(other.probabilities, expected, atol=1e-5)


def test_json_holds_every_beat_and_what_follows_from_them(found, person):
    told = json.loads(json.dumps(as_json(found)))
    beats = extract_beats(person)
    called = [beat["class"] for beat in told["by_beat"]]
    sure = np.array([beat["probability"] for beat in told["by_beat"]])
    assert told["beats"] == len(called) == len(beats)
    assert told["counts"] == {name: called.count(name) for name in "NSVFQ"}
    times = [beat["seconds"] for beat in told["by_beat"]]
    np.testing.assert_allclose(times, beats.samples / 360, atol=6e-4)
    assert told["confidence"]["mean"] == pytest.approx(sure.mean(), abs=1e-4)
    assert told["confidence"]["below"] == pytest.approx((sure < 0.8).mean())
    for name, part in told["confidence_by_class"].items():
        own = sure[np.array(called) == name]
        assert part["beats"] == len(own)
        assert part["mean"] == (pytest.approx(own.mean(), abs=1e-4) if len(own) else None)
    labels = ["NSVFQ"[label] for label in beats.labels]
    assert told["agreement"]["accuracy"] == pytest.approx(accuracy_score(labels, called))
    assert told["agreement"]["macro_f1"] == pytest.approx(f1_score(labels, called, average="macro"))
    assert np.sum(told["agreement"]["confusion"]) == len(beats)
    assert (told["lead"], told["sampling_rate"], told["beats_from"]) == ("MLII", 360, "annotations")
    assert told["warning"] == WARNING and "Not a medical device" in WARNING


def test_the_text_says_how_many_how_sure_and_the_caution(found):
    text = as_text(found)
    told = as_json(found)
    for name, count in told["counts"].items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name}  ")]
        assert f" {count:,} " in line.replace("%", " ")
    assert f"{told['confidence']['mean']:.3f}" in text
    assert "below 0.8" in text
    assert f"accuracy {told['agreement']['accuracy']:.4f}" in text
    assert "On people it has not met" in text and "macro-F1 0.31" in text
    assert text.splitlines()[-1] == f"Warning: {WARNING}"


def test_without_annotations_nothing_is_scored(path, tmp_path):
    for ending in (".hea", ".dat"):
        shutil.copy(f"{path}{ending}", tmp_path)
    told = as_json(classify(read_material(tmp_path / "mine")))
    assert told["agreement"] is None
    assert told["beats_from"] == "detection"
    assert "XQRS" in told["notes"][0]


def test_rows_of_a_csv_file(person, tmp_path):
    beats = extract_beats(person)
    file = write_csv(beats, tmp_path / "mine.CSV")
    found = classify(read_material(file))
    expected, _ = predict(recorded_model("resnet"), beats)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    told = as_json(found)
    assert (told["lead"], told["seconds"], told["beats_from"]) == (None, None, "rows")
    assert "seconds" not in told["by_beat"][0]
    assert told["agreement"]["accuracy"] == pytest.approx(
        (expected.argmax(1) == beats.labels).mean()
    )
    assert "120 Hz" in as_text(found)
    with pytest.raises(SettingError, match="not leads"):
        read_material(file, lead="II")


@pytest.mark.parametrize("kind", ["record", "rows"])
def test_the_picture_describes_itself(found, person, tmp_path, kind):
    if kind == "rows":
        file = write_csv(extract_beats(person), tmp_path / "mine.csv")
        found = classify(read_material(file), threshold=0.8)
    text = save_picture(found, tmp_path / "out" / "mine.png")
    image = Image.open(io.BytesIO((tmp_path / "out" / "mine.png").read_bytes()))
    assert image.format == "PNG" and image.width > 1000
    assert image.info["Description"] == text
    counts = ", ".join(f"{name} {count:,}" for name, count in found.beats.counts().items())
    assert counts in text
    assert f"{found.confidence.mean():.3f} on average" in text
    assert "not a medical device" in text


@pytest.mark.parametrize("setting", [{"threshold": 0}, {"threshold": 1.5}, {"network": "oracle"}])
def test_wrong_settings_are_named(found, setting):
    with pytest.raises(SettingError, match=next(iter(setting))):
        classify(found.material, **setting)


@pytest.mark.mitdb
def test_a_real_record_is_classed_as_well_as_its_beats_are_known(mitdb):
    material = read_material(mitdb / "119")
    told = as_json(classify(material))
    true = extract_beats(read_recording(mitdb, 119)).counts()
    assert told["counts"]["V"] == pytest.approx(true["V"], rel=0.02)
    assert told["agreement"]["accuracy"] > 0.99
    assert any("four fifths" in note for note in told["notes"])
