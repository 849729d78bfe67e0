"""The quick reading of JSON gives what the json module gives, errors included."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpm.core import quick_json

LIB = Path(__file__).parents[2] / "lib"
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=10,
)


@given(value=VALUES, ascii_only=st.booleans(), blanks=st.text(" \t\r\n", max_size=3))
def test_values_are_read_as_json_reads_them(value: object, ascii_only: bool, blanks: str) -> None:
    text = blanks + json.dumps(value, ensure_ascii=ascii_only) + blanks
    data = text.encode("utf-8", "surrogatepass")
    assert quick_json.loads(data) == json.loads(data) == value


BROKEN = [b"", b"{", b"[1,]", b"1 2", b'{"a" 1}', b'"a\nb"', b"\xff", b"nul", b"\xef\xbb\xbf", b"[" * 100_000]


@pytest.mark.parametrize("data", BROKEN, ids=lambda data: repr(data[:8]))
def test_what_is_no_json_fails_as_in_json(data: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)) as theirs:
        json.loads(data)
    with pytest.raises(theirs.type):
        quick_json.loads(data)


def test_other_encodings_and_numbers_beyond_json_are_read_as_well() -> None:
    assert quick_json.loads('{"a": "é"}'.encode("utf-16")) == {"a": "é"}
    assert quick_json.loads(b"\xef\xbb\xbf[1]") == [1]
    assert math.isnan(quick_json.loads(b"NaN"))


def test_errors_are_found_where_json_was_not_loaded_before() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(LIB)!r})\nfrom ccpm.core import quick_json\n"
        "assert quick_json.loads(b'[1]') == [1] and 'json' not in sys.modules\n"
        "for bad in (b'{', b'', b'1 2'):\n"
        "    try: quick_json.loads(bad)\n"
        "    except ValueError: continue\n"
        "    raise SystemExit(3)\n"
    )
    python = (LIB / ".python").read_text().strip()
    assert subprocess.run([python, "-S", "-E", "-c", program]).returncode == 0
