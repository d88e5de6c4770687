"""JSON whose numbers stay exact, beside the standard library's own words for everything else."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.exact import parse, to_bytes

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_without_fractions_it_is_what_the_standard_library_writes(value: Any) -> None:
    assert to_bytes({"v": value}) == json.dumps(
        {"v": value}, ensure_ascii=False, separators=(",", ":")
    ).encode(errors="surrogatepass")


@given(DECIMALS)
def test_a_fraction_comes_back_to_the_last_digit(value: Decimal) -> None:
    back = parse(to_bytes({"amount": value}))["amount"]
    assert Decimal(back) == value
    assert b"e" not in to_bytes([value]).lower()


@pytest.mark.parametrize(
    "value", [0.1, Decimal("NaN"), {1: "a"}, b"bytes", object()], ids=lambda value: type(value).__name__
)
def test_what_would_not_be_exact_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        to_bytes([value])
