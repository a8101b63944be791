"""What the command line says of the configuration, composed once before Hydra starts: a misspelt key, group or name is answered by
those it is like.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import OmegaConf

from datasets.catalogue import similar, unknown
from results.names import check_name

CONF = Path(__file__).parent.parent / "conf"
OWN = Path("conf")  # methods and studies of one's own, in the folder that a command is run in


def with_own_folder(arguments: list[str]) -> list[str]:
    """The arguments, and the current folder's `conf` as Hydra's `--config-dir`, where there is one and no other was named."""
    named = any(argument.startswith(("--config-dir", "-cd", "--config-path", "-cp")) for argument in arguments)
    return arguments if named or not OWN.is_dir() or OWN.samefile(CONF) else [*arguments, "--config-dir", str(OWN)]


def own_folders(arguments: list[str]) -> list[Path]:
    """The folders of configuration files that a command line names."""
    given = get_args_parser().parse_args(arguments)
    path = [Path(__file__).parent / given.config_path] if given.config_path else []
    return path + ([Path(given.config_dir)] if given.config_dir else [])


def fault(config_name: str, arguments: list[str]) -> str | None:
    """What is wrong with the overrides on a command line, and what may have been meant; None where nothing is."""
    given = get_args_parser().parse_args(arguments)
    if (
        given.config_path or given.config_name or given.shell_completion
    ):  # another configuration, of which nothing is known
        return None
    folders = [CONF]
    if given.config_dir:
        if not Path(given.config_dir).is_dir():
            return f"--config-dir {given.config_dir}: there is no such folder"
        folders.append(Path(given.config_dir).absolute())
    return Check(config_name, folders).fault(given.overrides, given.multirun)


class Check:
    """An entry point's configuration, `config_name`, with the files of `folders`, of which the first is ours."""

    def __init__(self, config_name: str, folders: list[Path]):
        self.config_name, self.folders = config_name, folders
        self.options: dict[str, list[str]] = {}  # the names of each group
        for folder in folders:
            for path in sorted(folder.glob("*/**/*.yaml")):
                if path.is_relative_to(folder / "hydra"):  # whose other choices are elsewhere: Hydra looks at it
                    continue
                names = self.options.setdefault(path.parent.relative_to(folder).as_posix(), [])
                names += [path.stem] if path.stem not in names else []

    def composed(self, overrides: Iterable[str]) -> dict:
        """The configuration with these overrides, Hydra's own part included, as plain dictionaries."""
        search = ",".join(f"'file://{folder}'" for folder in self.folders[1:])
        more = [f"hydra.searchpath=[{search}]"] if search else []
        with initialize_config_dir(str(self.folders[0]), version_base="1.3"):
            config = compose(self.config_name, [*overrides, *more], return_hydra_config=True)
        return OmegaConf.to_container(config, resolve=False)

    def fault(self, texts: list[str], multirun: bool = False) -> str | None:
        """What is wrong with overrides; None where they compose and add nothing at the root."""
        overrides = []
        for text in texts:
            try:
                overrides.append(OverridesParser.create().parse_override(text))
            except HydraException as error:
                config, key = self.composed([]), text.lstrip("+~").split("=")[0]
                if "=" in text and has(config, key):
                    return f"{text!r} cannot be read: {words(error)}; what is not a plain value is put in quotes"
                return f"{text!r} is no KEY=VALUE{'' if has(config, key) else did_you_mean(key, config)}"
            if overrides[-1].is_sweep_override() and not multirun:
                return f"{text!r} has several values: -m makes a sweep of them; a list is written [1,2]"
            group = overrides[-1].key_or_group
            names = values_of(overrides[-1]) if group in self.options and not overrides[-1].is_delete() else []
            if wrong := [str(name) for name in names if str(name) not in self.options[group]]:
                return unknown(group, wrong[0], self.options[group])
        try:
            config = self.composed(filter(None, map(one_value, overrides)))
        except Exception as error:  # Hydra's, OmegaConf's and YAML's
            return self.cause(overrides) or words(error)
        added = self.cause(overrides) if any(adds_to_root(override) for override in overrides) else None
        return added or fault_of_place(config)

    def cause(self, overrides: list[Override]) -> str | None:
        """Which override is the one at fault, in our words; None where it is none by itself."""
        groups = [override for override in overrides if override.key_or_group in self.options]
        choices = self.composed([])["hydra"]["runtime"]["choices"]
        for override in groups:
            if message := self.fault_of_group(override, choices):
                return message
        try:
            config = self.composed(filter(None, map(one_value, groups)))
        except MissingConfigException as error:  # of a file that names it
            group, _, name = str(error.missing_cfg_file).rpartition("/")
            missing = unknown(group, name, self.options[group]) if group in self.options else ""
            return missing and f"{words(error).split(':')[0]}: {missing}"
        except Exception as error:  # a file of one's own that is no YAML
            return words(error)
        config |= dict.fromkeys(choice for choice in choices if choice in self.options and choice not in config)
        settings = (override for override in overrides if override.key_or_group not in self.options)
        return next(filter(None, (fault_of_key(override, config) for override in settings)), None)

    def fault_of_group(self, override: Override, choices: dict) -> str | None:
        """What is wrong with the place of a group."""
        key = override.get_key_element().lstrip("+~")
        if override.is_add() == (key in choices):
            own = ", ".join(choice for choice in choices if choice.split("@")[0] in self.options)
            known = "is chosen already: leave the + out" if key in choices else f"is none of the choices here: {own}"
            return f"{override.input_line!r}: {key} {known}"
        return None


def fault_of_key(override: Override, config: dict) -> str | None:
    """What is wrong with the key of a setting."""
    key, parent = override.key_or_group, override.key_or_group.rpartition(".")[0]
    if override.is_add():
        if has(config, key) and not override.is_force_add() and not isinstance(override.value(), dict):
            return f"{override.input_line!r}: {key} is there already: leave the + out"
        return None if parent and has(config, parent) else f"unknown setting {key!r}{did_you_mean(key, config)}"
    if has(config, key):
        return None
    meant = did_you_mean(key, config)
    added = parent and has(config, parent) and "nothing similar; " in meant and not override.is_delete()
    more = f"; +{override.input_line} adds a setting that its file does not name" if added else ""
    return f"unknown setting {key!r}{meant}{more}"


def fault_of_place(config: dict) -> str | None:
    """What is wrong with the output folder or the name of a study, where Hydra writes before anybody else can look at it."""
    study, output = config.get("study"), config.get("output")
    try:
        if isinstance(study, dict) and "name" in study:
            check_name("study.name", study["name"])
    except ValueError as error:
        return str(error)
    if not isinstance(output, str) or "${" in output:
        return None
    there = next(path for path in (Path(output).absolute(), *Path(output).absolute().parents) if path.exists())
    if not there.is_dir():
        return f"output={output}: {there} is a file, and a folder is needed"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"output={output}: {there} cannot be written; let this user write there, or choose another folder"
    return None


def adds_to_root(override: Override) -> bool:
    """Whether an override adds a key of its own to the root, where nothing reads it."""
    return override.is_add() and override.package is None and "." not in override.key_or_group


def values_of(override: Override) -> list:
    """The values of an override, one or a sweep's; none of a glob, which finds what there is."""
    if not override.is_sweep_override():
        return [override.value()]
    discrete = override.is_discrete_sweep() and not isinstance(override.value(), Glob)
    return list(override.sweep_string_iterator()) if discrete else []


def one_value(override: Override) -> str | None:
    """An override as text, a sweep's with its first value."""
    if not override.is_sweep_override():
        return override.input_line
    return next((f"{override.get_key_element()}={value}" for value in values_of(override)), None)


def has(config, key: str) -> bool:
    """Whether a configuration has a key, a.b.c."""
    for part in key.split("."):
        if not isinstance(config, dict) or part not in config:
            return False
        config = config[part]
    return True


def did_you_mean(key: str, config: dict) -> str:
    """The keys that may have been meant, as the end of a message: like it where it leaves the configuration, or of its last part
    elsewhere; or what there is.
    """
    known, parts, node = [], key.split("."), config
    while parts and isinstance(node, dict) and parts[0] in node:
        known.append(parts.pop(0))
        node = node[known[-1]]
    children = [str(child) for child in node if str(child) != "hydra"] if isinstance(node, dict) else []
    near = [".".join([*known, child, *parts[1:]]) for child in (similar(parts[0], children) if parts else [])]
    near = near or [path for path in leaves(config) if path.rpartition(".")[2] == key.rpartition(".")[2]][:3]
    if near:
        return f": did you mean {' or '.join(near)}?"
    place = ".".join(known) or "the configuration"
    return f": nothing similar; {place} has {', '.join(children[:12]) or 'a value, and no settings'}"


def leaves(config: dict, prefix: str = "") -> Iterable[str]:
    """All keys of a configuration but Hydra's, a.b.c."""
    for key, value in config.items():
        if prefix + str(key) != "hydra":
            yield prefix + str(key)
            if isinstance(value, dict):
                yield from leaves(value, f"{prefix}{key}.")


def words(error: Exception) -> str:
    """What an error of Hydra, OmegaConf or YAML says, in one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(("full_key:", "object_type=", "See http")))
