"""Records to write in tests."""

from results.record import Record


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
