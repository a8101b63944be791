"""From Hydra's configuration to the study's own words, and messages for names that do not exist."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from datasets import find, listed
from datasets.catalogue import HERE, unknown
from rntk.machine import cores
from runners.method import CALLS, Method
from runners.protocol import Protocol

CONF = Path(__file__).parent.parent / "conf"


def plain(config) -> dict:
    """A part of the configuration as plain dictionaries and lists, interpolations resolved."""
    return OmegaConf.to_container(config, resolve=True)


def protocol_of(config: DictConfig) -> Protocol:
    """The protocol of a configuration; raises ValueError for a field it does not know or a value it refuses."""
    fields = plain(config.protocol)
    strange = sorted(set(fields) - set(Protocol.__dataclass_fields__))
    if strange:
        raise ValueError(unknown("protocol setting", strange[0], Protocol.__dataclass_fields__))
    return Protocol(**fields)


def methods_of(config: DictConfig) -> list[Method]:
    """The methods of a study; raises ValueError where two have the same name, by which tables and records know them."""
    methods = [method_of(method) for method in config.methods.values()]
    names = [method.name for method in methods]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"two methods are named {repeated[0]!r}: give one of them another `name`")
    return methods


def method_of(config: DictConfig) -> Method:
    """A method from its config, every setting of its grid checked."""
    fields = plain(config)
    if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
        raise ValueError(f"a method needs a `name`, and a `kernel`, a `network` or a `classifier`: {fields!r}")
    valid = ("name", *CALLS, "normalisation", "lengths")
    strange = sorted(set(fields) - set(valid))
    if strange:
        raise ValueError(f"method {fields.get('name')!r} has no {strange[0]!r}: it may have {', '.join(valid)}")
    return Method(**fields).validate()


def dataset_names(value) -> list[str]:
    """The datasets of a study: a list of names; "ucr56" or "ucr_unequal", the lists in datasets/; or the path of a file with a name a
    line.
    """
    if isinstance(value, str):
        path = Path(value)
        if path.name != value and not path.is_file():
            raise ValueError(f"study.datasets={value!r}: there is no such file")
        ours = HERE / f"{value}.txt"
        names = listed(ours) if ours.is_file() else listed(path) if path.is_file() else [value]
    elif isinstance(value, Iterable):
        names = [str(name) for name in value]
    else:
        raise ValueError(
            f"study.datasets={value!r}: a list of names, ucr56, ucr_unequal, or the path of a list file is needed"
        )
    return [find(name).name for name in dict.fromkeys(names)]


def workers_of(workers: int | None) -> int:
    """The number of worker processes: what `workers` says, or all cores this process may use."""
    workers = cores() if workers is None else workers
    if not isinstance(workers, int) or workers < 1:
        raise ValueError(
            f"workers={workers!r}: a whole number of at least 1 is needed, or null for all {cores()} cores"
        )
    if workers > cores():
        raise ValueError(
            f"workers={workers}: this process may use {cores()} cores; more workers than that only wait for each other"
        )
    return workers


def scores_of(config: DictConfig) -> str:
    """Which scores a task computes to the end: "best" or "all"."""
    if config.scores not in ("best", "all"):
        raise ValueError(f"scores={config.scores!r}: best, to drop what cannot win, or all is needed")
    return config.scores


def begin() -> None:
    """What an entry point sets for its process before anything else: nothing of it happens when a module is imported."""
    quiet_mlflow()
    share_gpu()
    register_resolvers()
    accept_lazy_help()
    check_names(sys.argv[1:])


def quiet_mlflow() -> None:
    """No telemetry, a server that is gone is asked twice and not for minutes, and one that is begun here runs no jobs of its own; unless
    the environment says otherwise.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")


def share_gpu() -> None:
    """Let JAX take a GPU's memory as it needs it, not three quarters of it at once: several workers may share one."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def register_resolvers() -> None:
    """Teach the configuration `${all_cores:…}`, which Hydra's joblib launcher needs as a number."""
    OmegaConf.register_new_resolver("all_cores", workers_of, replace=True)


def accept_lazy_help() -> None:
    """Let Hydra 1.3.8 start on Python 3.14, whose argparse reads each help text at once and refuses what is no string.

    To be deleted with the first release of Hydra that starts without it (its issue 3121).
    """
    check = getattr(argparse.ArgumentParser, "_check_help", None)
    if check is None:  # before Python 3.14
        return

    def check_strings(parser, action):
        if isinstance(action.help, str):
            check(parser, action)

    argparse.ArgumentParser._check_help = check_strings


def check_names(arguments: list[str]) -> None:
    """Stop with the valid names, the closest first, where the command line names a method or study that is not in conf/.

    Hydra would stop too, but lists the names in its own order. Left to Hydra where another config folder is given.
    """
    if any(argument.startswith(("--config", "-cd", "-cp", "hydra.searchpath")) for argument in arguments):
        return
    for argument in arguments:
        group, _, values = argument.partition("=")
        if group in ("method", "study", "protocol"):
            valid = [path.stem for path in (CONF / group).glob("*.yaml")]
            if any(mark in values for mark in "([$"):
                continue  # a sweep in Hydra's own grammar
            for value in values.split(","):
                if value.strip().strip("'\"") not in valid:
                    stop(unknown(group, value, valid))


def stop(message: str) -> None:
    """End the program with an error message and exit status 2."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
