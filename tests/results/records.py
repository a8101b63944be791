"""Records to write in tests, and to change where they lie."""

import json

from results.integrity import sealed
from results.record import TABLES, Record


def record(dataset="Coffee", method="rntk", accuracy=0.5, key=None, status=None, n_test=20, **more):
    """A record with all that its status promises: `ok` with predictions, of which a share `accuracy` is right, or
    `failed` where the accuracy is None.
    """
    key, status = key or f"{dataset}-{method}".ljust(64, "0"), status or ("ok" if accuracy is not None else "failed")
    if accuracy is not None:
        right = round(n_test * float(accuracy))
        rows = [{"case": i, "label": "1", "predicted": "1" if i < right else "2"} for i in range(n_test)]
        more = {"cv_accuracy": 0.5, "n_tied": 1, "n_test": n_test, "predictions": rows} | more
    return Record(dataset, method, key, status, test_accuracy=accuracy, **more)


def rewritten(head, *without, **changes):
    """Change a head on disk, or leave fields out, as if it had been written so, with the tables that lie beside it."""
    content = json.loads(head.read_text())
    fields = {name: value for name, value in content.items() if name not in ("schema", "tables", "checksum", *without)}
    files = {table: head.with_name(head.name.replace(".json", f".{table}.csv")) for table in TABLES}
    tables = {table: file.read_bytes() for table, file in files.items() if file.exists()}
    head.write_bytes(sealed(fields | changes, tables))


def older(head, *without, **more):
    """Make a head on disk one of the schema of before, without checksums and these fields, and with others."""
    content = json.loads(head.read_text())
    fields = {name: value for name, value in content.items() if name not in ("schema", "tables", "checksum", *without)}
    head.write_text(json.dumps(fields | more))
