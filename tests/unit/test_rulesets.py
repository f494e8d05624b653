from pipeline.domain.rulesets import MEASURES, Rule, override_keys, ruleset
from tests.production_documents import presets


def test_a_scene_type_sets_the_limits_of_its_rules() -> None:
    defaults = {"scene": (Rule("sharpness", "min", 8), Rule("flicker", "max", 0.1, "fail"))}
    assert ruleset("scene", defaults, {"min_sharpness": 40}) == (
        Rule("sharpness", "min", 40),
        Rule("flicker", "max", 0.1, "fail"),
    )
    assert ruleset("still", defaults, {"min_sharpness": 40}) == ()


def test_the_default_rules_name_every_measure_once() -> None:
    for stage, measures in MEASURES.items():
        rules = presets().qa[stage]
        assert tuple(rule.measure for rule in rules) == measures
        assert all(rule.kind in ("min", "max") and rule.severity in ("flag", "fail") and rule.text for rule in rules)


def test_source_rules_are_not_those_of_a_scene_type() -> None:
    keys = override_keys(presets().qa)
    assert "min_boundary_ssim" in keys and "min_sharpness" in keys
    assert "min_duplicate_distance" not in keys
