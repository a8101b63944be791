"""No process makes or replaces a database that another one is making or writes to."""

from pathlib import Path

from results.locks import held

FILE = ".mlflow.lock"
PATIENCE = 60.0  # seconds: a database is made in a few


def making(output: Path):
    """Alone make a database, or replace that of an output folder: MLflow's own way does not bear two at once."""
    return held(
        Path(output) / FILE,
        f"another process has been making the database of {output} for {PATIENCE:.0f} seconds: wait for it, or end it first",
        PATIENCE,
    )


def writing(folder: Path, patience: float = 0.0):
    """Alone write a study's runs; another process that does so is waited for so many seconds."""
    refusal = f"the runs of {folder} are being written by another process, a study or a `rebuild`: wait for it, or end it first"
    return held(Path(folder) / FILE, refusal, patience)
