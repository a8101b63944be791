"""Whatever is in a file or a configuration, the answer is data or a message: never another exception, and never for long.

Examples are the same in every run (`derandomize`); those marked `slow` are many more.
"""

import json
import string
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import ANY

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from datasets import DataError
from datasets.own import read_own
from datasets.reading import read_series
from results import store
from results.index import final_keys
from results.integrity import told
from results.record import Record
from runners.config import method_of, protocol_of, sources_of, workers_of
from runners.limits import Limits
from runners.overrides import fault

FAST = 25


def often(strategy, examples=FAST):
    """A test that calls a check with a few examples of a strategy, and one, `slow`, with many."""

    def decorated(check):
        @pytest.mark.parametrize("count", [examples, pytest.param(40 * examples, marks=pytest.mark.slow)])
        def test(count):
            options = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
            settings(max_examples=count, derandomize=True, **options)(given(strategy)(check))()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorated


# what numbers, labels and headers are in files, and what they are not
CELLS = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.sampled_from(["", "NaN", "NA", "inf", "-", "1e999", "0x1", "1_0", "?", "1,5", '"1"', "1 2", "\x00", "é", "٣"]),
    st.text(max_size=5),
)
LINES = st.lists(st.lists(CELLS, max_size=6).map("\t".join), max_size=6)
TSV = st.one_of(LINES.map("\n".join).map(str.encode), LINES.map("\r\n".join).map(str.encode), st.binary(max_size=80))
TS_HEADS = st.lists(
    st.sampled_from(
        [
            "@problemName a", "@timeStamps false", "@timeStamps true", "@univariate true", "@univariate false", "@dimensions 2",
            "@dimensions x", "@equalLength true", "@seriesLength 3", "@classLabel true 1 2", "@classLabel false", "@classLabel",
            "@missing false", "@relation a", "@attribute a numeric", "@attribute b {1,2}", "@attribute", "# a comment",
            "@data", "@data", "",
        ]
    ),
    max_size=10,
)  # fmt: skip
TS_LINES = st.lists(
    st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=3).map(":".join)
    | st.sampled_from(["1,2,3:1", "1.0,2,3:2", "(0,1),(1,2):1", "'1,2\\n3,4',1", "1,2,3,1", "::", "(", "1,2:3,4:2"]),
    max_size=4,
)
TS = st.one_of(
    st.tuples(TS_HEADS, st.sampled_from(["@data", ""]), TS_LINES).map(
        lambda t: "\n".join([*t[0], t[1], *t[2]]).encode()
    ),
    st.tuples(TS_LINES).map(
        lambda t: "\n".join(
            [
                "@problemName a",
                "@timeStamps false",
                "@univariate true",
                "@equalLength false",
                "@classLabel true 1 2",
                "@data",
                *t[0],
            ]
        ).encode()
    ),
    st.binary(max_size=80),
)


def reads_or_says(ending, content):
    """A file is read, as numbers and labels, or refused with its name."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"Mine{ending}"
        path.write_bytes(content)
        try:
            series, labels = read_series(path)
        except DataError as error:
            assert str(path) in str(error)
            return
        assert len(series) == len(labels) > 0
        assert sum(x.size for x in series) <= len(content)
        try:
            found = read_own(str(path))
        except DataError as error:
            assert "Mine" in str(error)
        else:
            assert found.entry.n_train + found.entry.n_test == len(series)


@often(TSV)
def test_tsv(content):
    reads_or_says(".tsv", content)


@often(TS)
def test_ts(content):
    reads_or_says(".ts", content)


@often(TS)
def test_arff(content):
    reads_or_says(".arff", content)


# what JSON and YAML can hold
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(string.printable, max_size=8).filter(lambda text: "${" not in text)
    | st.sampled_from([10**400, -(2**70), "nan", "abc", "../../evil", "true", "ok", "failed"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "name", "_target_", "1"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(list(Record.__dataclass_fields__))
HEADS = st.one_of(
    st.dictionaries(FIELDS | st.text(max_size=6), VALUES, max_size=8).map(json.dumps).map(str.encode),
    st.tuples(st.sampled_from(["ok", "failed", "timeout"]), st.dictionaries(FIELDS, VALUES, max_size=3)).map(
        lambda t: json.dumps({"dataset": "D", "method": "m", "key": "0" * 64, "status": t[0], **t[1]}).encode()
    ),
    VALUES.map(json.dumps).map(str.encode),
    st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b"", b"\xff\xfe", b"null", b'{"dataset": "x"', b"1" * 5000]),
    st.binary(max_size=60),
)


@often(HEADS)
def test_heads(content):
    """A head is a record, or it is damaged, and a message names its file; what reads it goes on."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "records" / "D__m__0000000000.json"
        path.parent.mkdir()
        path.write_bytes(content)
        with told() as messages:
            found = list(store.heads(Path(folder)))
        assert len(found) + len(messages) == 1 and all(path.name in message for message in messages)
        assert [record.is_final for record in found] in ([], [True], [False])
        with told() as messages:
            studied = store.study_records(Path(folder))
        assert len(studied) + len(messages) == 1
        for record in studied:
            assert (record.name, record.source, record.spread, bool(record.head())) == (path.stem, ANY, ANY, True)
        final, damaged = final_keys(Path(folder))
        assert len(damaged) == 1 - len(studied) and final == {record.key for record in studied if record.is_final}


def only_value_errors(call):
    try:
        return call()
    except ValueError as error:
        assert str(error)


def config(**parts):
    return OmegaConf.create(parts, flags={"allow_objects": True})


PROTOCOLS = st.dictionaries(
    st.sampled_from(["normalisation", "folds", "C", "tie_break", "seed", "max_iter", "missing", "colour"]),
    VALUES,
    max_size=5,
)


@often(PROTOCOLS)
def test_protocols(fields):
    found = only_value_errors(lambda: protocol_of(config(protocol=fields)))
    assert found is None or json.dumps(found.as_dict(), allow_nan=False)


KERNELS = st.fixed_dictionaries(
    {
        "_target_": st.sampled_from(
            ["baselines.RBF", "rntk.RNTK", "baselines.Polynomial", "baselines.Nothing", "nothing", "", "."]
        )
    },
    optional={"gamma": VALUES, "sigma_w": VALUES, "degree": VALUES, "nonlinearity": VALUES, "depth": VALUES},
)
METHODS = st.fixed_dictionaries(
    {"name": st.just("m") | VALUES},
    optional={
        "kernel": KERNELS | VALUES.filter(lambda value: "_target_" not in str(value)),
        "network": VALUES.filter(lambda value: "_target_" not in str(value)),
        "normalisation": st.sampled_from(["unit", "published"]) | VALUES,
        "lengths": st.sampled_from(["pad", "cut"]) | VALUES,
        "colour": VALUES,
    },
)


@often(METHODS)
def test_methods(fields):
    only_value_errors(lambda: method_of(config(m=fields).m))


@often(VALUES)
def test_numbers(value):
    limit = only_value_errors(lambda: Limits(timeout=value).timeout)
    assert limit is None or 0 < limit < float("inf")
    count = only_value_errors(lambda: workers_of(value))
    assert count is None or count >= 1


SOURCES = (
    VALUES
    | st.sampled_from(["a" * 500, "./" + "a" * 500, "~nobody/x", "a" * 500 + ".txt", "/\x00", "~nobody"])
    | st.lists(st.text(string.printable, max_size=8), max_size=3)
    | st.text(string.ascii_letters + "/._~-\x00", max_size=12)
)


@often(SOURCES)
def test_sources(value):
    only_value_errors(lambda: sources_of(value))


WORDS = st.one_of(
    st.text(string.printable, max_size=12).filter(lambda text: not text.startswith("-")),
    st.tuples(
        st.sampled_from(["", "+", "~", "++"]),
        st.sampled_from(
            ["dataset", "method", "method.kernel.gamma", "protocol.folds", "a.b", "timeout", "hydra.x", "study@x"]
        ),
        st.sampled_from(["=", ""]),
        st.text(string.printable, max_size=8)
        | st.sampled_from(["1,2", "[1,2", "{a:1}", "choice(1,2)", "glob(*)", "range(1,5)", "'", "${x"]),
    ).map("".join),
)


@often(st.lists(WORDS, max_size=2), examples=5)
def test_overrides(words):
    found = fault("run", words)
    assert found is None or (isinstance(found, str) and found)
