"""Where MLflow's view of the records is: a tracking URI, and the secrets that one may hold, which are never written or shown.

Hydra writes down the arguments of a command and its configuration, and shows them in messages. A URI with a secret is therefore taken from
the arguments into the environment of this process, before Hydra sees it, and refused in a file.
"""

import os
import re
import sys
from pathlib import Path
from urllib.parse import unquote

VARIABLE = "MLFLOW_TRACKING_URI"
SETTING = "tracking.uri"
ENVIRONMENT = f"{SETTING}=null"  # as an argument: the environment says where
HIDDEN = "***"
SECRETS = (
    r"(?<=://)[^\s/:@]*:(\S+)@",  # also a password with a / or an @, which ought to be %2F or %40
    r"(?<=https://)([^\s/:@]+)@",
    r"(?<=[?&;])[^\s=&;]*(?:pass|pwd|token|secret|key|credential|auth|sig)[^\s=&;]*=([^\s&;'\"]+)",
)
NOTE = (
    "note: the tracking URI holds a secret, which other users of this machine see in the list of processes: "
    f"put the URI into the environment, as {VARIABLE}"
)
INTERPOLATION = re.compile(r"\$\{[^}]*\}")


def default_uri(output: Path) -> str:
    """The database of an output folder."""
    return f"sqlite:///{Path(output).resolve() / 'mlflow.db'}"


def uri_of(output: Path, given: str | None) -> str:
    """What was given, or what the environment says, or the database of the output folder."""
    return given or os.environ.get(VARIABLE) or default_uri(output)


def is_database(uri: str) -> bool:
    """Whether a URI is of a database, to which MLflow writes itself, and not of a server."""
    return uri.split("://")[0].split("+")[0] in ("sqlite", "postgresql", "mysql", "mssql")


def secrets(text: str) -> list[str]:
    """The secrets in a URI, or in a text with URIs, as they stand there: passwords, and parameters such as `token`.

    What is interpolated, `${…}`, is none: it stands somewhere else.
    """
    found = {secret for pattern in SECRETS for secret in re.findall(pattern, text, re.IGNORECASE)}
    return sorted(secret for secret in found if INTERPOLATION.sub("", secret))


def mask(text: str, uri: str = "") -> str:
    """A text with `***` in place of what is secret in it, and of what is secret in `uri`, whether or not a URI is around it."""

    def hide(match: re.Match) -> str:
        before, after = match.string[match.start() : match.start(1)], match.string[match.end(1) : match.end()]
        return before + HIDDEN + after if INTERPOLATION.sub("", match[1]) else match[0]

    for pattern in SECRETS:
        text = re.sub(pattern, hide, text, flags=re.IGNORECASE)
    known = secrets(uri)
    for secret in [*known, *map(unquote, known)]:
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    return text


def out_of_arguments(arguments: list[str]) -> list[str]:
    """The arguments of a command, a tracking URI with a secret moved to the environment.

    Raises ValueError where another argument holds a secret: it would be written down.
    """
    kept = []
    for argument in arguments:
        given = re.fullmatch(rf"\+{{0,2}}{SETTING}=(['\"]?)(.*)\1", argument, re.DOTALL)
        if given and secrets(given[2]):
            os.environ[VARIABLE] = given[2]
            print(NOTE, file=sys.stderr)
            argument = ENVIRONMENT
        elif secrets(argument):
            raise ValueError(
                f"{mask(argument)!r} holds a secret, which would be written down: put it into the environment"
            )
        kept.append(argument)
    return kept


def refuse_in_files(folder: Path) -> None:
    """Raise ValueError where a configuration file of a folder holds a secret: files are copied, and Hydra writes down what they say."""
    for path in sorted(Path(folder).glob("**/*.yaml")):
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if secrets(line):
                raise ValueError(
                    f"{path}, line {number} holds a secret, which would be written down: leave `{SETTING}` out and put the URI into the "
                    f"environment, as {VARIABLE}, or name a variable of your own there, ${{oc.env:NAME}}"
                )
