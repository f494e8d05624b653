import json
import math

import pytest

from pipeline.domain.quality import from_dict, judge, to_dict
from pipeline.domain.rulesets import Rule
from pipeline.domain.work import Measurement

SHARP = Rule("sharpness", "min", 10.0, "flag")
BLACK = Rule("black_frames", "max", 0.0, "fail")


def test_a_value_on_its_limit_passes():
    assert judge([Measurement("sharpness", 10.0)], [SHARP]).verdict == "pass"
    assert judge([Measurement("black_frames", 0.0)], [BLACK]).verdict == "pass"


def test_the_verdict_is_the_worst_of_all_and_the_worst_comes_first():
    measured = [
        Measurement("sharpness", 2.0, "segment 1"),
        Measurement("black_frames", 3.0, "scene"),
        Measurement("sharpness", 50.0),
    ]

    verdict = judge(measured, [SHARP, BLACK])

    assert verdict.verdict == "fail"
    assert [one.verdict for one in verdict.judged] == ["fail", "flag", "pass"]


def test_among_flags_the_one_furthest_beyond_its_limit_comes_first():
    verdict = judge([Measurement("sharpness", 9.0, "a"), Measurement("sharpness", 1.0, "b")], [SHARP])

    assert [one.measurement.subject for one in verdict.judged] == ["b", "a"]


def test_a_measure_without_a_rule_is_not_judged_and_a_rule_without_a_measure_says_nothing():
    verdict = judge([Measurement("likeness", 0.0)], [SHARP])

    assert (verdict.verdict, verdict.judged) == ("pass", ())


@pytest.mark.parametrize("rule", [SHARP, BLACK])
def test_not_a_number_never_passes(rule):
    assert judge([Measurement(rule.measure, math.nan)], [rule]).verdict == rule.severity


def test_the_summary_gives_value_and_limit_of_the_worst_findings():
    verdict = judge([Measurement("sharpness", 3.14159, "segment 2")], [SHARP])

    assert verdict.summary == "sharpness of segment 2 is 3.14, at least 10 is asked"


def test_the_summary_counts_what_it_does_not_name():
    verdict = judge([Measurement("sharpness", 1.0, f"segment {k}") for k in range(5)], [SHARP])

    assert verdict.summary.endswith("; and 2 more")
    assert judge([], []).summary == "all measures are within their limits"


def test_a_verdict_survives_storage_as_json():
    measured = [Measurement("sharpness", 2.0, "segment 1"), Measurement("black_frames", 0.0, "scene")]
    verdict = judge(measured, [SHARP, BLACK])

    assert from_dict(json.loads(json.dumps(to_dict(verdict)))) == verdict


def test_not_a_number_is_stored_as_valid_json():
    stored = json.dumps(to_dict(judge([Measurement("sharpness", math.nan)], [SHARP])), allow_nan=False)

    assert math.isnan(from_dict(json.loads(stored)).judged[0].measurement.value)
