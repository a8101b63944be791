"""MLflow as a view of the records, which can be made anew at any time, and looked at in a browser:

    python -m runners.tracking rebuild outputs
    python -m runners.tracking ui outputs

Of a study only the parent process writes (`runners.view.tracker`), and of several studies one at a time makes the database
(`runners.view.locks`). What runs say stands in `runners.view.tasks` and `runners.view.studies`.
"""

import argparse
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path

from results import store
from results.integrity import telling
from results.record import Record
from results.tables import show_study
from runners.config import quiet_mlflow
from runners.uri import NOTE, VARIABLE, default_uri, is_database, mask, secrets, uri_of
from runners.view.locks import FILE, PATIENCE, making, writing


class View:
    """Tracking as a configuration asks for it, and never in the way: MLflow is a view of the records, and a study goes on
    without it. The first fault is reported, with what to do, and ends the tracking.
    """

    def __init__(self, study: str, config):
        self.folder = Path(config.output) / study
        self.uri, self.tracker = default_uri(config.output), None
        self.held = ExitStack()
        if config.tracking.enabled:
            from runners.view.tracker import Tracker  # figures, which no untracked run needs

            with self._guard():
                self.uri = uri_of(config.output, config.tracking.uri)
                self.held.enter_context(writing(self.folder, PATIENCE))
                with making(config.output):
                    self.tracker = Tracker(study, self.uri, config.output)

    def sync(self) -> None:
        """Write every record of the study that has no run yet."""
        if self.tracker:
            with self._guard():
                self.tracker.sync(self.folder)

    def log(self, record: Record) -> None:
        """Write one record."""
        if self.tracker:
            with self._guard():
                self.tracker.log(record, self.folder)

    def close(self) -> None:
        """Write what is missing, and end the study's run."""
        self.sync()
        if self.tracker:
            with self._guard():
                self.tracker.close(self.folder)
        self.held.close()

    @contextmanager
    def _guard(self):
        try:
            yield
        except Exception as error:  # MLflow, SQLAlchemy, the network: whatever it is, the records are safe
            self.tracker = None
            self.held.close()
            again = f"python -m runners.tracking rebuild {shlex.quote(str(self.folder.parent))}"
            if self.uri != default_uri(self.folder.parent):
                again += f" --uri {shlex.quote(mask(self.uri, self.uri))}"
            print(
                f"MLflow: {first_line(error, self.uri)}; the study goes on without it, its records are complete: "
                f"`{again}` writes them later",
                file=sys.stderr,
            )


def first_line(error: Exception, uri: str) -> str:
    """What an error says in a line, without the secrets of a URI."""
    return mask((str(error).splitlines() or [type(error).__name__])[0], uri)


def rebuild(output: Path, uri: str | None = None) -> int:
    """Make MLflow's database anew from the records of every study under `output`; returns how many. At a `uri`, add what is missing.

    The old database is replaced when the new one is whole. Raises ValueError where there are no records, where one cannot be read, and
    where a study is being tracked.
    """
    output = Path(output)
    folders = [folder for folder in sorted(output.glob("*")) if store.has_records(folder)]
    if not folders:
        raise ValueError(
            f"{output} holds no study: name an output folder, which has <study>/records/*.json or <study>/records.zip"
        )
    for folder in folders:
        list(store.heads(folder))  # what cannot be read is said now
    with ExitStack() as held:
        held.enter_context(making(output))
        for folder in sorted({*folders, *(path.parent for path in output.glob(f"*/{FILE}"))}):
            held.enter_context(writing(folder))
        return fill(folders, output, uri) if uri else replace(folders, output)


def replace(folders: list[Path], output: Path) -> int:
    """Make the database of an output folder anew, beside the old one, and put it in its place."""
    database, artifacts = output / "mlflow.db", output / "mlartifacts"
    for leftover in output.glob(".mlflow-*.db*"):  # of a process that was killed
        leftover.unlink()
    old = set(artifacts.glob("*"))
    new = output / f".mlflow-{time.time_ns()}.db"  # a name of its own, as MLflow keeps connections by name
    try:
        count = fill(folders, output, f"sqlite:///{new.resolve()}")
    except BaseException:
        for unfinished in output.glob(f"{new.name}*"):
            unfinished.unlink()
        remove(set(artifacts.glob("*")) - old)
        raise
    for unfinished in output.glob("mlflow.db-*"):  # what SQLite would write from the old database into the new one
        unfinished.unlink()
    os.replace(new, database)
    remove(old)
    return count


def remove(folders: Iterable[Path]) -> None:
    """Remove folders, or leave what cannot be removed."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def fill(folders: list[Path], output: Path, uri: str) -> int:
    """Write to MLflow what it lacks of the records of studies; returns how many records there are."""
    from runners.view.tracker import Tracker

    count = 0
    for folder in folders:
        if store.read_plan(folder) and not (folder / "tables").exists():
            show_study(folder, folder / "tables")
        tracker = Tracker(folder.name, uri, output)
        count += tracker.sync(folder)
        tracker.close(folder)
    return count


def browse(uri: str, port: int) -> int:
    """MLflow's own browser view, for this machine alone, opened at the last study; returns when it ends.

    A server has its own, whose address is printed. Raises ValueError where the port is taken, or the database is none that this MLflow
    can read.
    """
    from runners.view.pages import last_page  # figures, which no other command needs

    if not is_database(uri):
        show(f"{mask(uri, uri).rstrip('/')}/{last_page(uri)}")
        return 0
    if answers(port):
        raise ValueError(
            f"port {port} is taken by another program: choose another one by --port (make: ARGS='--port 5001')"
        )
    address = f"http://127.0.0.1:{port}/{last_page(uri)}"
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mlflow",
            "ui",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
        ],
        env={**os.environ, "MLFLOW_BACKEND_STORE_URI": uri},  # an argument would be in the list of processes
    )
    try:
        while server.poll() is None and not answers(port):
            time.sleep(0.2)
        if server.poll() is None:
            show(address, "(Ctrl-C ends this)")
        return server.wait()
    except KeyboardInterrupt:  # which the server has heard, too
        return server.wait()


def show(address: str, *more: str) -> None:
    """Print the address of a page, and open it where there is a window."""
    print("the last study:", address, *more, flush=True)
    if graphical():
        webbrowser.open(address)


def answers(port: int) -> bool:
    """Whether a program listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def graphical() -> bool:
    """Whether a browser would have a window: one in the terminal cannot show this page."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@telling
def main() -> int:
    """`python -m runners.tracking rebuild [OUTPUT]` or `ui [OUTPUT]`."""
    parser = argparse.ArgumentParser(description="MLflow as a view of an output folder's records.")
    parser.add_argument(
        "command", choices=["rebuild", "ui"], help="make the database anew from the records, or look at it in a browser"
    )
    parser.add_argument(
        "output", type=Path, nargs="?", default=Path("outputs"), help="the folder of all studies (default: outputs)"
    )
    parser.add_argument(
        "--uri", help=f"tracking URI (default: {VARIABLE} of the environment, or else OUTPUT/mlflow.db)"
    )
    parser.add_argument("--port", type=int, default=5000, help="where `ui` listens (default: 5000)")
    arguments = parser.parse_args()
    quiet_mlflow()
    uri = uri_of(arguments.output, arguments.uri)
    if secrets(arguments.uri or ""):
        print(NOTE, file=sys.stderr)
    try:
        if arguments.command == "rebuild":
            count = rebuild(arguments.output, arguments.uri or os.environ.get(VARIABLE))
            print(f"{count} records are in {mask(uri, uri)}")
            return 0
        if uri == default_uri(arguments.output) and not (arguments.output / "mlflow.db").exists():
            raise ValueError(
                f"{arguments.output}/mlflow.db does not exist: run a study first, or `rebuild` from its records"
            )
        return browse(uri, arguments.port)
    except Exception as error:  # MLflow, SQLAlchemy, the network
        print(f"error: {first_line(error, uri)}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
