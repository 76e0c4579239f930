"""Which column of somebody's sheet means which field: by name, alias, memory, likeness; or refused by name."""

import pytest

from portal.jobs.sheets.columns import Column, Likeness, check_required, fields_of, plain_name, suggestions
from portal.kernel.errors import InvalidInput

COLUMNS = (
    Column("firstname", "First name", required=True, aliases=("given name",)),
    Column("lastname", "Last name", required=True, aliases=("surname",)),
    Column("date_of_birth", "Date of birth", is_date=True),
)


@pytest.mark.parametrize(
    "name", ["First name", "FIRST_NAME", " firstname ", "Fírst  Náme", "first-name", "Given Name(s)"[:10]]
)
def test_spaces_capitals_accents_signs_and_aliases_do_not_matter(name: str) -> None:
    assert suggestions([name], COLUMNS)[name].field == "firstname"
    assert fields_of([name], COLUMNS, None) == {name: "firstname"}


def test_a_name_of_signs_only_is_still_a_name() -> None:
    assert plain_name("№") != ""
    assert plain_name("***") == "***"


def test_small_typos_are_suggested_but_never_taken_for_sure() -> None:
    found = suggestions(["lastnam"], COLUMNS)["lastnam"]
    assert (found.field, found.likeness) == ("lastname", Likeness.NEAR)
    with pytest.raises(InvalidInput, match="Did you mean 'lastname'") as refused:
        fields_of(["lastnam"], COLUMNS, None)
    assert refused.value.code == "column-unknown"


def test_what_was_remembered_comes_first_and_a_field_is_suggested_once() -> None:
    found = suggestions(
        ["Candidate", "Surname", "Shoe"], COLUMNS, {"candidate": "lastname", "shoe": "ignore"}
    )
    assert (found["Candidate"].field, found["Candidate"].likeness) == ("lastname", Likeness.REMEMBERED)
    assert found["Surname"].field == ""
    assert found["Shoe"].field == ""


def test_a_field_that_the_kind_has_no_more_is_forgotten() -> None:
    assert suggestions(["Candidate"], COLUMNS, {"candidate": "gone"})["Candidate"].field == ""


def test_columns_of_a_result_file_are_not_read() -> None:
    assert fields_of(["_row", "firstname", "_status"], COLUMNS, None) == {"firstname": "firstname"}


def test_a_mapping_wins_over_names_and_ignores_what_it_says() -> None:
    mapping = {"firstname": "lastname", "Shoe size": "ignore", "x": ""}
    assert fields_of(["firstname", "Shoe size", "x"], COLUMNS, mapping) == {"firstname": "lastname"}


@pytest.mark.parametrize(
    ("header", "mapping", "code", "words"),
    [
        (
            ["firstname", "given name"],
            None,
            "column-twice",
            "'firstname' and 'given name' both mean firstname",
        ),
        (["a", "b"], {"a": "lastname", "b": "lastname"}, "column-twice", "'a' and 'b' both mean lastname"),
        (["a"], {"a": "nothing"}, "column-unknown", "'nothing', which is no field"),
        (["firstname"], {"gone": "lastname"}, "column-unknown", "no column 'gone'"),
        (["Shoe size"], None, "column-unknown", "'Shoe size' is unknown"),
    ],
)
def test_a_wrong_mapping_is_refused_by_name(
    header: list[str], mapping: dict[str, str] | None, code: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        fields_of(header, COLUMNS, mapping)
    assert refused.value.code == code


def test_missing_required_columns_are_named_together() -> None:
    with pytest.raises(InvalidInput, match="firstname, lastname") as refused:
        check_required({"date_of_birth"}, COLUMNS)
    assert refused.value.code == "column-missing"
