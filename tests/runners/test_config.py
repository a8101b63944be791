"""From the configuration to the study's words: which datasets are meant, how many workers, and what needs no network."""

import argparse
import os
import re

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from datasets import listed, load
from rntk.machine import cores
from runners.config import begin, check_settings, method_of, protocol_of, sources_of, workers_of
from runners.overrides import CONF


def test_datasets_are_a_list_a_file_or_the_56(tmp_path, monkeypatch):
    assert sources_of(["Wine", "Coffee", "Wine"]) == ["Wine", "Coffee"]  # each once, in the order given
    assert sources_of("Wine") == ["Wine"]
    assert sources_of("ucr56") == listed()
    (tmp_path / "mine.txt").write_text("Wine\nCoffee # brown\n")
    assert sources_of(str(tmp_path / "mine.txt")) == ["Wine", "Coffee"]
    monkeypatch.chdir(tmp_path)
    assert sources_of("mine.txt") == ["Wine", "Coffee"]


def test_what_a_process_is_told_is_what_its_user_said(monkeypatch):
    """Where nothing is said, no telemetry, and a GPU that is shared."""
    monkeypatch.delenv("XLA_PYTHON_CLIENT_PREALLOCATE", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.setattr("sys.argv", ["runners.run"])
    monkeypatch.setattr(argparse.ArgumentParser, "_check_help", None, raising=False)
    begin("run")
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    begin("run")
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"


def test_workers_are_all_cores_where_none_are_named():
    assert workers_of(None) == workers_of(cores()) == cores()
    with pytest.raises(ValueError, match=r"workers=1\.5: a whole number of at least 1"):
        workers_of(1.5)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system lets no process choose its cores")
def test_cores_are_those_that_this_process_may_use():
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert workers_of(None) == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize("study", ["quick", "smoke"])
def test_small_studies_need_no_network(study):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("reproduce", [f"study={study}"])
    for name in sources_of(config.study.datasets):
        assert load(name, downloads=False).name == name


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("timeout=0", "timeout=0: a finite number of seconds > 0 is needed, or null"),
        ("timeout=-5", "timeout=-5"),
        ("timeout=nan", "timeout=nan"),
        ("timeout=inf", "timeout=inf"),
        ("timeout=abc", "timeout='abc'"),
        ("timeout=true", "timeout=True"),
        ("workers=0", "workers=0: a whole number of at least 1"),
        ("workers=1.0", "workers=1.0: a whole number"),
        ("workers=true", "workers=True"),
        ("scores=some", "scores='some': best"),
        ("output=''", "output='': a folder is needed"),
        ("output=3", "output=3: a folder is needed"),
        ("data.root=[]", "data.root=[]: a folder, or null"),
        ("data.downloads=maybe", "data.downloads='maybe': true or false"),
        ("tracking.enabled=1", "tracking.enabled=1: true or false"),
        ("tracking.uri=5", "tracking.uri=5: a tracking URI, or null"),
        ("protocol.folds=1000000", "protocol.folds=1000000: a whole number from 2 to 1000"),
        ("protocol.seed=abc", "protocol.seed='abc': a whole number"),
        ("protocol.C=10", "protocol.C=10: a list of numbers"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(setting, message):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("reproduce", ["study=smoke", setting])
    with pytest.raises(ValueError, match=re.escape(message)):
        check_settings(config)
        protocol_of(config)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["runners.run", "runners.reproduce", "runners.report"])
def test_it_is_refused_before_anything_is_computed(command, capsys, tmp_path, module):
    setting = "timeout=0" if module != "runners.report" else "pictures=GunPoint"
    assert command(module, setting, f"output={tmp_path}") == 2
    assert capsys.readouterr().err.startswith("error: " + setting.split("=")[0])
    assert not list(tmp_path.glob("*/records")) and not list(tmp_path.glob("*/plan.json"))


@pytest.mark.parametrize("kernel", [False, "baselines.RBF", ["baselines.RBF"], {"_target_": 3}])
def test_a_kernel_that_is_no_class_with_parameters_is_refused(kernel):
    """Found by fuzzing."""
    with pytest.raises(ValueError, match="method 'm': its kernel needs a `_target_`"):
        method_of(OmegaConf.create({"name": "m", "kernel": kernel}))
