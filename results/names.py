"""Names of studies, methods and datasets: they become names of files, folders, table columns and runs."""

import re

LONGEST = 80
NAME = re.compile(rf"\w[\w.+=@%&-]{{0,{LONGEST - 1}}}")


def check_name(what: str, name: str) -> str:
    """Return a name that is one; raises ValueError for others, `what` saying of what it is."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        shown = repr(name) if len(str(name)) <= LONGEST else f"{str(name)[:20]!r}… ({len(str(name))} characters)"
        raise ValueError(
            f"{what}={shown}: a name is needed, which becomes that of files: letters, digits and . _ + = @ % & -, the first a letter, a "
            f"digit or _, and at most {LONGEST} of them"
        )
    return name
