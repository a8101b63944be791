"""MLflow as a view of the records, which can be made anew at any time, and looked at in a browser:

    python -m runners.tracking rebuild outputs
    python -m runners.tracking ui outputs

Only the parent process writes (`runners.view.tracker`), so that a fresh SQLite database is never opened by two. What runs say stands in
`runners.view.tasks` and `runners.view.studies`.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import webbrowser
from contextlib import contextmanager
from pathlib import Path

from results import store
from results.record import Record
from results.tables import show_study
from runners.config import quiet_mlflow
from runners.view.pages import last_page
from runners.view.tracker import Tracker


def default_uri(output: Path) -> str:
    """The database of an output folder."""
    return f"sqlite:///{Path(output).resolve() / 'mlflow.db'}"


class View:
    """Tracking as a configuration asks for it, and never in the way: MLflow is a view of the records, and a study goes on
    without it. The first fault is reported, with what to do, and ends the tracking.
    """

    def __init__(self, study: str, config):
        self.folder = Path(config.output) / study
        self.tracker = None
        if config.tracking.enabled:
            uri = config.tracking.uri or default_uri(config.output)
            with self._guard():
                self.tracker = Tracker(study, uri, config.output)

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

    @contextmanager
    def _guard(self):
        try:
            yield
        except Exception as error:  # MLflow, SQLAlchemy, the network: whatever it is, the records are safe
            self.tracker = None
            first = (str(error).splitlines() or [type(error).__name__])[0]
            print(
                f"MLflow: {first}; the study goes on without it, its records are complete: "
                f"`python -m runners.tracking rebuild {self.folder.parent}` writes them later",
                file=sys.stderr,
            )


def rebuild(output: Path, uri: str | None = None) -> int:
    """Make MLflow's database anew from the records of every study under `output`; returns how many.

    Raises ValueError where there are none.
    """
    folders = [folder for folder in sorted(Path(output).glob("*")) if store.has_records(folder)]
    if not folders:
        raise ValueError(
            f"{output} holds no study: name an output folder, which has <study>/records/*.json or <study>/records.zip"
        )
    if uri is None:
        uri = default_uri(output)
        (Path(output) / "mlflow.db").unlink(missing_ok=True)
        shutil.rmtree(Path(output) / "mlartifacts", ignore_errors=True)
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

    Raises ValueError where the port is taken, or the database is none that this MLflow can read.
    """
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
            "--backend-store-uri",
            uri,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
        ]
    )
    try:
        while server.poll() is None and not answers(port):
            time.sleep(0.2)
        if server.poll() is None:
            print(f"the last study: {address} (Ctrl-C ends this)", flush=True)
            if graphical():
                webbrowser.open(address)
        return server.wait()
    except KeyboardInterrupt:  # which the server has heard, too
        return server.wait()


def answers(port: int) -> bool:
    """Whether a program listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def graphical() -> bool:
    """Whether a browser would have a window: one in the terminal cannot show this page."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> int:
    """`python -m runners.tracking rebuild [OUTPUT]` or `ui [OUTPUT]`."""
    parser = argparse.ArgumentParser(description="MLflow as a view of an output folder's records.")
    parser.add_argument(
        "command", choices=["rebuild", "ui"], help="make the database anew from the records, or look at it in a browser"
    )
    parser.add_argument(
        "output", type=Path, nargs="?", default=Path("outputs"), help="the folder of all studies (default: outputs)"
    )
    parser.add_argument("--uri", help="tracking URI (default: OUTPUT/mlflow.db)")
    parser.add_argument("--port", type=int, default=5000, help="where `ui` listens (default: 5000)")
    arguments = parser.parse_args()
    quiet_mlflow()
    uri = arguments.uri or default_uri(arguments.output)
    if arguments.command == "rebuild":
        try:
            count = rebuild(arguments.output, arguments.uri)
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        print(f"{count} records are in {uri}")
        return 0
    if not arguments.uri and not (arguments.output / "mlflow.db").exists():
        print(
            f"error: {arguments.output}/mlflow.db does not exist: run a study first, or `rebuild` from its records",
            file=sys.stderr,
        )
        return 2
    try:
        return browse(uri, arguments.port)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
