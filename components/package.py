"""A sealed package, looked into: checks, files with their checksums, what has changed since the one before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from dash import html
from dash.development.base_component import Component

from components import deliver, palette, words
from components.icons import icon
from pipeline.domain.delivery import Check, VerificationReport
from pipeline.domain.packages import Difference, Entry, Package
from pipeline.domain.records import Delivery

VERIFY = "verify-again"
CHECKS = "package-checks"
_SHOWN = 3
_MOST = 300
_MOST_CHANGES = 40


def card(package: Package | None, now: datetime) -> list[Component]:
    """The card of a sealed delivery, or what will be there."""
    if package is None:
        text = "When everything is approved, Deliver packs it: media, timelines, manifest, checksums and content credentials."
        return [
            html.Div(
                [html.H2("No sealed package yet", className="card-title"), html.P(text, className="muted")],
                className="card-note card-alone",
            )
        ]
    made, delivery = package.made, package.made.delivery
    sealed = delivery.sealed_at or delivery.created_at
    return [
        html.Div(
            [
                html.Div(
                    [
                        html.Div(["Sealed ", words.since(sealed, now), f" by {made.by}"], className="faint"),
                        html.Div(
                            [
                                html.B(f"{made.run.title}, Run {made.run.number}", className="card-title cut"),
                                html.Span(_number(delivery, package.scenes), className="muted"),
                            ],
                            className="line",
                        ),
                    ],
                    className="cut",
                ),
                html.Div(
                    [
                        html.Button(
                            "Verify again",
                            id=VERIFY,
                            className="btn sm",
                            title="Read the package back and check all of it",
                            **{"data-command": "Verify the package again"},
                        ),
                        html.A(
                            [icon("download"), f"Download {words.size(delivery.size_bytes)}"],
                            className="btn sm",
                            download="",
                            href=deliver.package_address(delivery.id),
                            id="package-download",
                        ),
                    ],
                    className="package-actions",
                ),
            ],
            className="package-head",
        ),
        html.Div(sealed_checks(package, now), id=CHECKS, className="checks", role="status"),
        html.Div(_files(package.entries), className="files"),
        *_against(package),
        _foot(package),
    ]


def sealed_checks(package: Package, now: datetime) -> list[Component]:
    """What was checked when the package was sealed."""
    entries = package.entries
    media = [entry for entry in entries if entry.folder.startswith("media")]
    lists = sum(entry.name.endswith(".mhl") for entry in entries)
    timelines = sum(entry.folder.startswith("timelines") for entry in entries)
    at = package.made.delivery.sealed_at
    when = f"verified {words.clock(at, now)}" if at else ""
    return [
        _check("Checksums", when, f"{words.counted(len(entries), 'file')}, SHA-256"),
        _check("ASC MHL", when, words.counted(lists, "generation")),
        _check("Timelines", when, f"{words.counted(timelines, 'OTIO file')}"),
        _check("Media", when, f"{words.counted(len(media), 'file')}, {words.size(sum(entry.size_bytes for entry in media))}"),
    ]


def verified(report: VerificationReport, at: datetime, now: datetime) -> list[Component]:
    """What a verification has found just now: a line for each area, failures first and in full."""
    if report.failures:
        lines = [html.Li(f"{check.area}: {check.subject} {check.message}") for check in report.failures[:_MOST_CHANGES]]
        title = f"{words.counted(len(report.failures), 'check')} failed"
        return [html.Div([palette.badge("failed"), html.Div([html.B(title), html.Ul(lines)])], className="check check-wide")]
    when = f"verified {words.clock(at, now)}"
    found = groupby(sorted(report.checks, key=_area), key=_area)
    areas = [(area.capitalize(), [check.message for check in checks]) for area, checks in found]
    return [_check(area, when, told[0] if len(told) == 1 else words.counted(len(told), "check")) for area, told in areas]


def _area(check: Check) -> str:
    return check.area


def _check(title: str, when: str, detail: str) -> Component:
    return html.Div(
        [
            palette.badge("approved", "in order"),
            html.Div(
                [
                    html.Div([html.B(title), html.Span(f" {when}", className="faint")], className="cut"),
                    html.Div(detail, className="muted cut", title=detail),
                ],
                className="cut",
            ),
        ],
        className="check",
    )


def _files(entries: Sequence[Entry]) -> list[Component]:
    parts: list[Component] = []
    ordered = sorted(entries, key=lambda entry: (not entry.folder, entry.folder, entry.name))
    for folder, group in groupby(ordered, key=lambda entry: entry.folder):
        members = list(group)
        if folder:
            parts.append(_folder(folder, members))
        shown = members if not folder else members[:_SHOWN]
        parts += [_file(entry, is_inside=bool(folder)) for entry in shown]
        rest = members[len(shown) :]
        if rest:
            more = [_file(entry, is_inside=True) for entry in rest[:_MOST]]
            if len(rest) > _MOST:
                more.append(html.Div(f"{len(rest) - _MOST:,} more are listed in SHA256SUMS.", className="file faint"))
            parts.append(html.Details([html.Summary(f"{len(rest):,} more", className="file inside faint"), *more]))
    return parts


def _folder(folder: str, members: Sequence[Entry]) -> Component:
    return html.Div(
        [
            html.Span([f"{folder}/ ", html.Span(words.counted(len(members), "file"), className="faint")], className="muted cut"),
            html.Span(words.size(sum(entry.size_bytes for entry in members)), className="num muted"),
        ],
        className="file",
    )


def _file(entry: Entry, *, is_inside: bool) -> Component:
    name = entry.name.removeprefix(f"{entry.folder}/") if entry.folder else entry.name
    return html.Div(
        [
            html.Span(name, className="cut", title=entry.name),
            html.Span(words.size(entry.size_bytes), className="num muted"),
            html.Span(_short(entry.sha256), className="mono faint", title=f"SHA-256 {entry.sha256}"),
            _copy(entry.sha256, f"Copy the checksum of {name}"),
        ],
        className=f"file{' inside' if is_inside else ''}",
    )


def _copy(text: str, title: str) -> Component:
    return html.Button(icon("copy"), className="copy", title=title, **{"data-copy": text, "aria-label": title})


def _short(sha256: str) -> str:
    return f"{sha256[:8]}…{sha256[-4:]}"


def _against(package: Package) -> list[Component]:
    if package.before is None or package.difference is None:
        return []
    found = package.difference
    counts = ((found.same, "the same"), (len(found.changed), "changed"), (len(found.added), "new"), (len(found.gone), "gone"))
    head = html.Div(
        [
            html.H3(f"Against D{package.before.number}", className="card-title"),
            *(html.Span([html.B(f"{count:,}", className="num"), f" {word}"], className="muted") for count, word in counts),
        ],
        className="against",
    )
    return [head, *_changes(found)]


def _changes(found: Difference) -> list[Component]:
    lines = [(key, f"take {before} → take {now}", "changed") for key, before, now in found.changed]
    lines += [(key, "was not in it", "new") for key in found.added]
    lines += [(key, "is not in this one", "gone") for key in found.gone]
    rows = [
        html.Div(
            [html.Span(key, className="cut", title=key), html.Span(what, className="faint"), html.Span(word, className="muted")],
            className="change",
        )
        for key, what, word in lines[:_MOST_CHANGES]
    ]
    if len(lines) > _MOST_CHANGES:
        rows.append(html.Div(f"{len(lines) - _MOST_CHANGES:,} more changes", className="change faint"))
    return rows


def _foot(package: Package) -> Component:
    command = f"./stripboard verify-delivery {package.name}"
    sha256 = package.made.delivery.package_sha256 or ""
    return html.Div(
        [
            html.Span(command, className="mono muted cut", title="Checks the package from outside, wherever it is"),
            _copy(command, "Copy the command"),
            html.Span(className="spread"),
            html.Span(["package ", html.Span(_short(sha256), className="mono", title=f"SHA-256 {sha256}")], className="faint"),
            _copy(sha256, "Copy the checksum of the package"),
        ],
        className="card-foot",
    )


def _number(delivery: Delivery, scenes: int) -> str:
    whose = f" · {delivery.character}" if delivery.character else ""
    return f"D{delivery.number}{whose} · {words.counted(scenes, 'scene')}"
