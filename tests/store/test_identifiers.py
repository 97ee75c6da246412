import re

from hypothesis import given
from hypothesis import strategies as st

from afterword.store.identifiers import derived_id, new_id


def test_new_ids_have_the_form_of_qualtrics_and_differ() -> None:
    ids = {new_id("UR") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"UR_[A-Za-z0-9]{15}", one) for one in ids)


@given(st.text(), st.text())
def test_derived_ids_are_the_same_for_the_same_key_and_only_for_it(one: str, other: str) -> None:
    assert re.fullmatch(r"EMD_[A-Za-z0-9]{15}", derived_id("EMD", one))
    assert (derived_id("EMD", one) == derived_id("EMD", other)) == (one == other)


def test_a_derived_id_stays_what_it_is_in_every_version() -> None:
    assert derived_id("EMD", "run 1, task 2") == "EMD_FCKtQnD2udZ9YXY"
