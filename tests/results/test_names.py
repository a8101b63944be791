"""A name stays in its folder."""

import pytest

from results import store
from results.names import check_name
from tests.results.records import record

BAD = [
    "../../../evil",
    "a/b",
    "a\\b",
    "",
    ".",
    "..",
    ".hidden",
    "-rf",
    "a b",
    "a'b",
    'a"b',
    "a\nb",
    "x" * 81,
    "x" * 500,
    "a:b",
    "a*",
    None,
    3,
]


@pytest.mark.parametrize("name", BAD, ids=repr)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match=r"study\.name=.*: a name is needed") as error:
        check_name("study.name", name)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("name", ["rntk", "1nn_dtw", "Bürolärm", "σ_w=1.4", "a.b+c-d@2", "_x", "x" * 80])
def test_what_is_one_is_taken(name):
    assert check_name("method.name", name) == name


@pytest.mark.parametrize("field", ["dataset", "method"])
def test_no_record_is_written_under_another_name(field, tmp_path):
    with pytest.raises(ValueError, match=f"{field}='../evil'"):
        store.write(record(**{field: "../evil"}), tmp_path / "study")
    assert list(tmp_path.iterdir()) == []
