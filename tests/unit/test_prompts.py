from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import prompts


def test_placeholders_become_their_values() -> None:
    text = "{character} in {location}, {variant.prompt}, aged { character.age }"
    values = {"character": "Mara", "location": "Warehouse", "variant.prompt": "evening suit", "character.age": "31"}
    assert prompts.resolve(text, values) == "Mara in Warehouse, evening suit, aged 31"


def test_double_braces_are_braces() -> None:
    assert prompts.resolve("{{{character}}} {{x}}", {"character": "Mara"}) == "{Mara} {x}"


def test_values_are_not_looked_at_again() -> None:
    assert prompts.resolve("{character}", {"character": "{variant} {0.__class__}"}) == "{variant} {0.__class__}"


def test_an_unknown_placeholder_is_a_problem_with_a_suggestion() -> None:
    (problem,) = prompts.parse("{charakter} dances").problems
    assert problem.message == 'The prompt has a placeholder "{charakter}" that does not exist.'
    assert problem.suggestion == 'Did you mean "character"?'


def test_a_single_brace_is_a_problem() -> None:
    assert prompts.parse("a } b").problems[0].suggestion == 'Write "}}" for a brace.'
    assert prompts.parse("{character").problems
    assert prompts.parse("{}").problems


def test_format_tricks_are_only_text() -> None:
    for text in ("{character.__class__!r}", "{0}", "{character[0]}", "{character:>9999999999}", "%s {variant!x}"):
        assert isinstance(prompts.resolve(text, {"character": "Mara"}), str)
    assert prompts.resolve("{character:>9}", {"character": "Mara"}) == "{character:>9}"


@given(st.text(alphabet=st.sampled_from("{}ab.character ") | st.characters(), max_size=200), st.text(max_size=20))
def test_any_text_resolves(template: str, value: str) -> None:
    found = prompts.parse(template)
    assert isinstance(found.fill(dict.fromkeys(prompts.PLACEHOLDERS, value)), str)
    if not found.problems and not found.placeholders:
        assert prompts.resolve(template, {}) == template.replace("{{", "{").replace("}}", "}")


@given(st.text(max_size=100))
def test_escaped_text_comes_back(text: str) -> None:
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert prompts.parse(escaped).problems == ()
    assert prompts.resolve(escaped, {}) == text
