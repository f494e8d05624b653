from pipeline.domain.names import did_you_mean, fold, listed, nearest, slug


def test_names_are_equal_when_only_case_or_unicode_form_differs() -> None:
    assert fold("Élodie") == fold("E\u0301LODIE")
    assert fold("Mara") != fold("Maro")


def test_the_nearest_name_is_suggested() -> None:
    assert nearest("Marra", ["Ivo", "Mara"]) == "Mara"
    assert nearest("MARA", ["Ivo", "Mara"]) == "Mara"
    assert nearest("Zacharias", ["Ivo", "Mara"]) is None
    assert did_you_mean("castual", ["casual", "formal"]) == 'Did you mean "casual"?'


def test_without_a_near_name_the_known_ones_are_listed() -> None:
    assert did_you_mean("xyz", ["casual", "formal"]) == "Known: casual, formal."
    assert did_you_mean("xyz", [], cure="Declare it.") == "Declare it."
    many = [f"name {number}" for number in range(14)]
    assert did_you_mean("xyz", many, cure="Declare it.") == "Declare it."
    assert did_you_mean("xyz", many).endswith("name 11 and 2 more.")


def test_slugs_hold_letters_and_digits() -> None:
    assert slug("Señor O'Brien / 2") == "se_or_o_brien_2"
    assert slug("日本") == ""


def test_long_lists_are_shortened() -> None:
    assert listed(str(number) for number in range(10)) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
