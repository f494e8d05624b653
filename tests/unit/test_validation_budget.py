"""A budget against an estimate from stated defaults."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain.issues import Severity
from pipeline.domain.validation import check_budget
from tests.production_documents import body, document, errors, issue, issues, parsed, presets


@dataclass(frozen=True)
class Sum:
    generation_seconds: float = 0.0
    disk_bytes: int = 0


def test_an_estimate_from_defaults_over_budget_is_a_warning_that_names_both_numbers() -> None:
    source = body(budget={"gpu_hours": 1, "disk_gb": 2})
    found = issues(source, estimate=Sum(7200, 3_000_000_000))
    told = issue(found, "production.budget.gpu_hours", Severity.WARNING)
    assert told.message == "The estimate from stated defaults is 2.00 hours of generation; the budget allows 1.00 hours."
    assert "3.00 GB of disk; the budget allows 2.00 GB." in issue(found, "production.budget.disk_gb", Severity.WARNING).message
    assert errors(found) == []
    assert not any("budget" in one.path for one in issues(source, estimate=Sum(3600, 2_000_000_000)))
    assert len(check_budget(parsed(source), document(source), presets(), Sum(7200, 0))) == 1


def test_an_estimate_of_seconds_over_a_tiny_budget_is_told_in_seconds() -> None:
    found = issues(body(budget={"gpu_hours": 0.001}), estimate=Sum(7, 0))
    assert "7.00 seconds of generation; the budget allows 3.60 seconds." in issue(found, "production.budget.gpu_hours").message


def test_an_estimate_never_reads_like_the_limit_that_it_exceeds() -> None:
    none = issues(body(budget={"disk_gb": 0}), estimate=Sum(0, 34_000))
    assert "34.00 kB of disk; the budget allows 0.00 kB." in issue(none, "production.budget.disk_gb").message
    close = issues(body(budget={"gpu_hours": 1}), estimate=Sum(3601, 0))
    assert "1.0003 hours of generation; the budget allows 1.0000 hours." in issue(close, "production.budget.gpu_hours").message
