"""What a draft would do on the board of today: in a sentence, step by step, with the first scenes by name. Nothing runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from components import words
from pipeline.domain.issues import Issue
from pipeline.domain.records import Run
from pipeline.domain.rules.chains import Stop
from pipeline.domain.rules.model import Kind, Rule
from pipeline.domain.rules.snapshot import Cost, Left
from pipeline.domain.rules.trials import FirstCell, Step, Trial
from pipeline.domain.rules.wording import comparison_in_words, sentence

_MOST_STEPS = 12
_HEARS = "Saving it fires nothing: it hears what happens from then on."
_DOES = {
    Kind.SUBMIT: "submits", Kind.QA: "measures", Kind.ASSEMBLE: "assembles", Kind.PACKAGE: "packages", Kind.APPROVE: "approves",
    Kind.FLAG: "flags", Kind.PAUSE: "pauses",
}  # fmt: skip


@dataclass(frozen=True)
class Preview:
    """A draft tried: the rule that it is, on which run, and what would come of it; or what is wrong with it."""

    rule: Rule | None
    issues: Sequence[Issue] = ()
    run: Run | None = None
    trial: Trial | None = None
    left: Left | None = None


def panel(preview: Preview) -> list[Component | None]:
    """The whole side panel."""
    if preview.rule is None:
        return [_wrong(preview.issues)]
    trial = preview.trial
    if trial is None:
        none = "There is no run yet to try it on. Start one, and this tells what the rule would do there."
        return [html.Section([html.P(sentence(preview.rule), className="rp-says"), html.P(none, className="muted")])]
    return [_summary(preview, trial), _steps(trial), _first(preview, trial), _safety(preview.rule, trial)]


def _wrong(issues: Sequence[Issue]) -> Component:
    lines = [
        html.Li(
            [html.B(f"{issue.path}: " if issue.path else ""), issue.message, html.Span(f" {issue.suggestion}", className="muted")]
        )
        for issue in issues[:12]
    ]
    head = "It cannot be tried yet" if issues else "Nothing to try yet"
    return html.Section([html.H2(head, className="card-title"), html.Ul(lines, className="rp-issues")], role="status")


def _summary(preview: Preview, trial: Trial) -> Component:
    run = preview.run
    where = html.Span(["nothing runs", f" · {run.name}" if run else ""], className="faint end")
    told: list[Component | str] = ["On today's board this would fire ", html.B(words.counted(trial.firings, "time"))]
    told += cost_in_words(trial.cost)
    parts: list[Component | None] = [
        html.Div([html.H2("Today's board", className="card-title"), where], className="card-head"),
        html.P([*told, "."], className="rp-says"),
        _fits(preview, trial),
        html.P(_HEARS, className="faint"),
    ]
    if not trial.firings:
        parts.append(html.P(_why_none(trial), className="muted"))
    if trial.otherwise:
        parts.append(html.P(f"{trial.otherwise:,} of them would do what stands under else.", className="muted"))
    return html.Section(parts)


def cost_in_words(cost: Cost) -> list[Component | str]:
    """`, queue 32 jobs, 2.1 h of GPU time, 5.60` with figures in bold; nothing where nothing is queued."""
    if not cost.jobs:
        return []
    parts: list[Component | str] = [", queue ", html.B(words.counted(cost.jobs, "job"))]
    parts += [", ", html.B(words.hours(cost.gpu_seconds)), " of GPU time"] if cost.gpu_seconds else []
    parts += [", ", html.B(words.size(cost.disk_bytes)), " of disk"] if cost.disk_bytes else []
    return parts + ([", ", html.B(words.money(cost.money))] if cost.money else [])


def _fits(preview: Preview, trial: Trial) -> Component | None:
    left = preview.left
    if left is None or not trial.cost.jobs:
        return None
    lacking = left.lacks(trial.cost)
    if lacking:
        return html.P([html.Span("▲ ", className="tr-warn"), f"Refused in part: {lacking}."], className="rp-fits")
    known = [words.hours(left.gpu_seconds)] if left.gpu_seconds is not None else []
    return html.P(f"Fits the budget: {known[0]} left." if known else "No budget of GPU time binds it.", className="rp-fits muted")


def _why_none(trial: Trial) -> str:
    if trial.near is not None:
        near = trial.near
        told = f"{comparison_in_words(near.first.condition)} (it is {near.first.value})"  # type: ignore[arg-type]
        return f"Nearest: {near.name}, where {told}."
    if not trial.events:
        return "No such event stands on the board. It fires when one happens."
    return "It listens, and what stands on the board does not let it fire."


def _steps(trial: Trial) -> Component | None:
    if not trial.steps:
        return None
    shown = [_step(step) for step in trial.steps[:_MOST_STEPS]]
    more = len(trial.steps) - len(shown)
    rest = [html.Li(html.Span(f"and {more} more steps", className="muted"))] if more > 0 else []
    head = html.Div(
        [html.H2("Step by step", className="card-title"), html.Span("if each stage completes", className="faint end")],
        className="card-head",
    )
    return html.Section(
        [head, html.Ol([*shown, *rest, *_walls(trial.stops)], className="rp-steps"), html.P(_ended(trial), className="faint")]
    )


def _step(step: Step) -> Component:
    told = [words.counted(step.cost.jobs, "job")] if step.cost.jobs else []
    told += [words.counted(step.messages, "message")] if step.messages else []
    refused = [html.Div(["✕ ", reason], className="rp-refused") for reason in step.refusals[:3]]
    return html.Li(
        [
            html.Span(f"{step.depth}", className="rp-depth num"),
            html.Span("↯", className="rp-rule"),
            html.Div([html.Span([html.B(step.rule.name), f" {_does(step)}"]), *refused], className="rp-what"),
            html.Span(", ".join(told), className="num muted rp-cost"),
        ]
    )


def _does(step: Step) -> str:
    parts: dict[str, None] = {}
    for kind, verb in _DOES.items():
        ours = [effect for effect in step.effects if effect.action.kind is kind and not effect.refusal]
        if ours:
            count = len({one for effect in ours for one in (*effect.cells, *effect.stills)})
            parts[
                f"{verb} {words.counted(count, 'scene or picture', 'scenes and pictures')}"
                if count
                else f"{verb} {', '.join(ours[0].names)}"
            ] = None
    told = len([effect for effect in step.effects if effect.action.kind in (Kind.NOTIFY, Kind.WEBHOOK) and not effect.refusal])
    if told:
        parts[f"sends {words.counted(told, 'message')}"] = None
    return ", ".join(parts) or "does nothing"


def _walls(stops: Sequence[Stop]) -> list[Component]:
    found: list[Component] = []
    for gate, word in (("variant", "Variant approval"), ("scene", "Scene approval")):
        ours = [stop for stop in stops if stop.gate == gate]
        if ours:
            waits = "waits for a person" if len(ours) == 1 else "wait for a person"
            text = [html.B(f"{word} stops it here."), html.Div(f"{words.counted(len(ours), gate)} {waits}", className="muted")]
            depth = html.Span(f"{max(stop.depth for stop in ours)}", className="rp-depth num")
            found.append(
                html.Li([depth, html.Span("◉", className="rp-person"), html.Div(text, className="rp-what")], className="rp-wall")
            )
    return found


def _ended(trial: Trial) -> str:
    ends = {"paused": "It ends because the run is paused.", "cut short": "So much would follow that the preview was cut short."}
    return ends.get(trial.ended, "Then all is quiet.")


def _first(preview: Preview, trial: Trial) -> Component | None:
    if not trial.cells:
        return None
    more = html.Span(f"{trial.touched:,} in all", className="faint end")
    lines = [_cell(cell) for cell in trial.cells]
    return html.Section(
        [
            html.Div([html.H2("First scenes", className="card-title"), more], className="card-head"),
            html.Div(lines, className="rp-cells"),
        ]
    )


def _cell(cell: FirstCell) -> Component:
    cost = cell.cost
    told = [words.counted(cost.jobs, "job"), words.duration(cost.gpu_seconds)] if cost.jobs else []
    told += [words.money(cost.money)] if cost.money else []
    return dcc.Link(
        [html.Span(cell.key, className="middle", title=cell.key), html.Span(" · ".join(told), className="num muted")],
        href=f"/cells/{cell.id}",
        className="rp-cell",
    )


def _safety(rule: Rule, trial: Trial) -> Component:
    ours = [loop for loop in trial.analysis.loops if rule.id in loop.rules]
    lines: list[Component] = []
    for loop in ours[:4]:
        if loop.is_refused:
            lines.append(
                html.Li(
                    [html.Span("✕", className="tr-bad"), html.Span([html.B("Refused, a loop: "), f"{loop.words}. {loop.cure}"])]
                )
            )
        else:
            lines.append(
                html.Li(
                    [
                        html.Span("↻", className="faint"),
                        html.Span([html.B("A loop that ends: "), f"{loop.words}, bounded: {'; '.join(loop.bounds)}."]),
                    ]
                )
            )
    if not ours:
        lines.append(
            html.Li(
                [
                    html.Span("✓", className="tr-good"),
                    html.Span([html.B("No loop. "), "Nothing that it leads to wakes it again."]),
                ]
            )
        )
    if rule.can_generate:
        lines.append(
            html.Li(
                [
                    html.Span("◉", className="tr-ask"),
                    html.Span([html.B("Needs one admin approval: "), "it can submit generation. Any edit asks again."]),
                ]
            )
        )
    return html.Section([html.H2("Safety", className="card-title"), html.Ul(lines, className="rp-safe")])
