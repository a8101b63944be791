"""From Hydra's configuration to the study's own words, and messages for names that do not exist."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from datasets import DataError, find, listed
from datasets.catalogue import HERE, Entry, lines, multivariate, unknown
from datasets.fetch import fetch
from datasets.loading import placed
from datasets.own import ENDINGS, members
from results.names import check_name
from rntk.machine import cores
from runners.limits import Limits
from runners.method import CALLS, Method
from runners.overrides import fault, own_folders, with_own_folder
from runners.protocol import Protocol
from runners.uri import mask, out_of_arguments, refuse_in_files

MISSING = object()  # of a setting that a configuration does not have


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
    for kind in CALLS:
        given = fields.get(kind)
        if given is not None and not (isinstance(given, dict) and isinstance(given.get("_target_", ""), str)):
            raise ValueError(
                f"method {fields['name']!r}: its {kind} needs a `_target_`, the class to use, and its parameters: {given!r}"
            )
    return Method(**fields).validate()


def sources_of(value) -> list[str]:
    """The datasets of a study, each as `datasets.load` takes it: of a list, or of one, of names of the archive, paths, functions, and
    folders of datasets; of "ucr56", "ucr_unequal" or "uea30", the lists in datasets/; or of a list file, `.txt`, with one a line.
    """
    if isinstance(value, str):
        ours = HERE / f"{value}.txt"
        if os.path.isfile(ours):  # pathlib's raises OSError for a name that is too long
            return listed(ours)
        path = Path(value)
        if path.suffix == ".txt" and not os.path.isfile(path):
            raise ValueError(f"study.datasets={value!r}: there is no such file")
        named = lines(path) if os.path.isfile(path) and path.suffix not in ENDINGS else [value]
    elif isinstance(value, Iterable):
        named = [str(name) for name in value]
    else:
        raise ValueError(
            f"study.datasets={value!r}: a list of datasets, ucr56, ucr_unequal, uea30, a folder of datasets, or the path of a "
            "list file is needed"
        )
    return list(dict.fromkeys(source for name in named for source in members(name)))


def datasets_of(value, root: str | None = None, downloads: bool = False) -> tuple[dict[str, Entry], dict[str, str]]:
    """The datasets of a study by source: those that can be classified, and why the others cannot: one's own that are no data to
    classify, or have the name of another; UEA's that cannot be had. What is here of UEA's, downloaded if need be, has its folder
    as its source.

    Raises ValueError for what names no dataset at all.
    """
    sources, found, names = sources_of(value), {}, {}
    faults = fetch((source for source in sources if source in multivariate()), root, downloads)
    for source in dict.fromkeys(placed(source, root) for source in sources if source not in faults):
        try:
            entry = find(source)
        except DataError as error:
            faults[source] = str(error)
            continue
        if entry.name in names:
            faults[source] = (
                f"{source} has the name of {names[entry.name]}, {entry.name}: give its file or folder another"
            )
            continue
        names[entry.name], found[source] = source, entry
    return found, faults


def study_folder(config: DictConfig) -> Path:
    """The folder of a study under the output; raises ValueError for a name that is none, and might be another place."""
    return Path(config.output) / check_name("study.name", config.study.name)


def workers_of(workers: int | None) -> int:
    """The number of worker processes: what `workers` says, or all cores this process may use."""
    workers = cores() if workers is None else workers
    if type(workers) is not int or workers < 1:
        raise ValueError(
            f"workers={workers!r}: a whole number of at least 1 is needed, or null for all {cores()} cores"
        )
    if workers > cores():
        raise ValueError(
            f"workers={workers}: this process may use {cores()} cores; more workers than that only wait for each other"
        )
    return workers


def shard_of(text: str | None) -> tuple[int, int] | None:
    """Which of how many parts of a study `shard=k/n` is; None of a whole study."""
    if text is None:
        return None
    k, _, n = text.partition("/") if isinstance(text, str) else ("", "", "")
    if not (k.isdecimal() and n.isdecimal() and 1 <= int(k) <= int(n)):
        raise ValueError(f"shard={text!r}: k/n is needed, the k-th of n parts, as 1/8, or null for the whole study")
    return int(k), int(n)


def limits_of(config: DictConfig) -> Limits:
    """How long a task may take, and how much memory."""
    return Limits(config.timeout, config.memory)


def check_settings(config: DictConfig) -> None:
    """Raise ValueError for a setting of `conf/settings.yaml`, or `report` and `study.beside`, that cannot be used: before anything is."""
    kinds = {
        "output": (str, "a folder"),
        "data.root": (str | None, "a folder, or null"),
        "data.downloads": (bool, "true or false"),
        "tracking.enabled": (bool, "true or false"),
        "tracking.uri": (str | None, "a tracking URI, or null"),
        "report": (bool, "true or false"),
        "executor.scheduler": (str, "the address of a Dask scheduler, tcp://HOST:PORT,"),
        "pictures": (list, "a list of datasets"),
        "study.beside": (list, "a list of studies"),
    }
    for key, (kind, needed) in kinds.items():
        value = OmegaConf.select(config, key, default=MISSING)
        value = plain(value) if OmegaConf.is_config(value) else value
        parts = value if kind is list and isinstance(value, list) else []
        if value is not MISSING and not (
            isinstance(value, kind) and value != "" and all(isinstance(part, str) for part in parts)
        ):
            raise ValueError(f"{key}={value!r}: {needed} is needed")
    for key, known in {"executor.output": ("returned", "shared"), "executor.data": ("shipped", "shared")}.items():
        value = OmegaConf.select(config, key, default=known[0])
        if value not in known:
            raise ValueError(f"{key}={value!r}: {' or '.join(known)} is needed")
    shard_of(OmegaConf.select(config, "shard"))
    limits_of(config)
    workers_of(config.workers)
    scores_of(config)


def scores_of(config: DictConfig) -> str:
    """Which scores a task computes to the end: "best" or "all"."""
    if config.scores not in ("best", "all"):
        raise ValueError(f"scores={config.scores!r}: best, to drop what cannot win, or all is needed")
    return config.scores


def begin(config_name: str) -> None:
    """What an entry point, whose configuration is `config_name`, sets for its process before anything else: nothing of it happens
    when a module is imported. Secrets leave the command line; the program ends where that holds what no configuration has.
    """
    quiet_mlflow()
    share_gpu()
    register_resolvers()
    accept_lazy_help()
    try:
        sys.argv[1:] = with_own_folder(out_of_arguments(sys.argv[1:]))
        for folder in own_folders(sys.argv[1:]):
            refuse_in_files(folder)
    except ValueError as error:
        stop(str(error))
    if message := fault(config_name, sys.argv[1:]):
        stop(mask(message))


def quiet_mlflow() -> None:
    """No telemetry; a server that is gone is asked twice, and one that does not answer is waited for seconds, not minutes; one that is
    begun here runs no jobs of its own; unless the environment says otherwise.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
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


def stop(message: str) -> None:
    """End the program with an error message and exit status 2."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
