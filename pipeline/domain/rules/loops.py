"""Can rules run in a circle? Told from the rules alone, before one of them is live.

What the analysis calls impossible never happens; what it calls possible may turn out not to. A loop is allowed where the state
of the production bounds it, with the reason; one that nothing bounds is refused, with a cure. (A chain ends in any case: by its
depth and by its fuel. But one that ends only there has spent all of it.)
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pipeline.domain.choices import Mode
from pipeline.domain.rules.boxes import bounds_attempts, listening
from pipeline.domain.rules.model import Kind, Per, Rule
from pipeline.domain.rules.products import ALL_MAY_BE_AUTOMATIC, Product, products
from pipeline.domain.rules.snapshot import Gates
from pipeline.domain.rules.vocabulary import EVENTS, Subject

_RENEWS = frozenset({Kind.SUBMIT, Kind.QA, Kind.ASSEMBLE, Kind.PACKAGE})
"""Actions that can be done again and again. An approval uses up what a submission has made, a pause what a submission resumes."""
_MOST_LOOPS = 50


@dataclass(frozen=True)
class Way:
    """One way in which a rule may wake another: by which action, through which event, past which gate of people."""

    action: Kind
    event: str
    gate: str = ""
    mode: Mode | None = None


@dataclass(frozen=True)
class Edge:
    """A rule that may wake another one (or itself), by ids, and in which ways."""

    source: str
    target: str
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Loop:
    """Rules that may wake each other in a circle: ids in order, the first not repeated.

    `bounds` are the reasons why it ends; a loop without one is refused, and `cure` says what would help.
    """

    rules: tuple[str, ...]
    names: tuple[str, ...]
    bounds: tuple[str, ...] = ()
    cure: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether nothing bounds it."""
        return not self.bounds

    @property
    def words(self) -> str:
        """`A → B → A`."""
        return " → ".join([*self.names, self.names[0]])


@dataclass(frozen=True)
class Analysis:
    """Which rule may wake which, and the loops: refused ones first."""

    edges: tuple[Edge, ...]
    loops: tuple[Loop, ...]
    _pairs: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)

    def may_wake(self, source: str, target: str) -> bool:
        """Whether a firing of one rule may lead, with nothing but work and people between, to an event that another matches."""
        return (source, target) in self._pairs

    @property
    def refused(self) -> tuple[Loop, ...]:
        """The loops that nothing bounds."""
        return tuple(loop for loop in self.loops if loop.is_refused)


def analyse(rules: Sequence[Rule], gates: Gates = ALL_MAY_BE_AUTOMATIC) -> Analysis:
    """Look at rules together, switched off or not. `gates` are those of the production; without it all may be automatic."""
    by_id = {rule.id: rule for rule in rules}
    edges = _edges(rules, gates)
    finder = _Finder(by_id, edges)
    loops = sorted(finder.loops(), key=lambda loop: (not loop.is_refused, len(loop.rules), loop.names))
    return Analysis(tuple(edges), tuple(loops[:_MOST_LOOPS]), frozenset((edge.source, edge.target) for edge in edges))


def _edges(rules: Sequence[Rule], gates: Gates) -> list[Edge]:
    ears: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        for event in dict.fromkeys(rule.events):
            ears[event].append(rule)
    heard = {(rule.id, subject): listening(rule, subject) for rule in rules for subject in Subject}
    found: dict[tuple[str, str], dict[Way, None]] = defaultdict(dict)
    for source in rules:
        for product in products(source, gates):
            met: dict[tuple[str, Subject], bool] = {}
            for event in sorted(product.types & ears.keys()):
                for target in ears[event]:
                    key = target.id, EVENTS[event].subject
                    if key not in met:
                        met[key] = _share_projects(source, target) and product.box.meets(heard[key])
                    if met[key]:
                        found[source.id, target.id].setdefault(_way(product, event))
    return [Edge(source, target, tuple(ways)) for (source, target), ways in found.items()]


def _way(product: Product, event: str) -> Way:
    return Way(product.action, event, product.gate, product.mode)


def _share_projects(one: Rule, other: Rule) -> bool:
    return None in (one.scope.project, other.scope.project) or one.scope.project == other.scope.project


class _Finder:
    """Finds loops among edges, and what bounds each."""

    def __init__(self, rules: dict[str, Rule], edges: Sequence[Edge]) -> None:
        self._rules = rules
        self._edges = {(edge.source, edge.target): edge for edge in edges}
        self._next: dict[str, list[str]] = defaultdict(list)
        self._before: dict[str, list[Edge]] = defaultdict(list)
        self._counted: dict[tuple[str, frozenset[str]], bool] = {}
        self._free: dict[tuple[str, str, frozenset[str]], list[Way]] = {}
        for edge in sorted(edges, key=lambda edge: (edge.source, edge.target)):
            self._next[edge.source].append(edge.target)
            self._before[edge.target].append(edge)

    def loops(self) -> list[Loop]:
        """Loops in every knot of rules: a shortest one through each edge that nothing bounds, and through each other edge.

        Of very many only some are told; where there is a refused one, at least one of those is.
        """
        refused: dict[tuple[str, ...], Loop] = {}
        bounded: dict[tuple[str, ...], Loop] = {}
        for knot in components(self._rules, lambda rule_id: self._next[rule_id]):
            inside = frozenset(knot)
            free = {pair for pair in self._within(inside) if self._free_ways(*pair, inside)}
            after: dict[str, list[str]] = defaultdict(list)
            for source, target in sorted(free):
                after[source].append(target)
            self._add_refused(refused, inside, after)
            self._add_bounded(bounded, inside)
        return [*refused.values(), *(loop for loop in bounded.values() if loop.rules not in refused)]

    def _add_refused(self, found: dict[tuple[str, ...], Loop], knot: frozenset[str], after: dict[str, list[str]]) -> None:
        for core in components(knot, lambda rule_id: after[rule_id]):
            members = frozenset(core)
            for source, target in sorted(self._within(members)):
                ways = self._free_ways(source, target, knot)
                if target not in after[source] or not any(way.action in _RENEWS for way in ways):
                    continue
                if len(found) >= _MOST_LOOPS:
                    return
                path = _path(target, source, lambda rule_id: after[rule_id], members)
                if path is not None:
                    loop = self._loop(path, cure=self._cure(source, knot))
                    found.setdefault(loop.rules, loop)

    def _add_bounded(self, found: dict[tuple[str, ...], Loop], knot: frozenset[str]) -> None:
        for source, target in sorted(self._within(knot)):
            if len(found) >= _MOST_LOOPS:
                return
            path = _path(target, source, lambda rule_id: self._next[rule_id], knot)
            if path is None:
                continue
            pairs = [*pairwise(path), (path[-1], path[0])]
            bounds: dict[str, None] = {}
            for pair in pairs:
                if not self._free_ways(*pair, knot):
                    bounds.update(dict.fromkeys(self._bounds(*pair, knot)))
            kinds = {way.action for pair in pairs for way in self._free_ways(*pair, knot)}
            if not bounds and kinds.isdisjoint(_RENEWS):
                bounds["each approval needs something new in review"] = None
            if bounds:
                loop = self._loop(path, bounds=tuple(bounds))
                found.setdefault(loop.rules, loop)

    def _loop(self, path: Sequence[str], *, bounds: tuple[str, ...] = (), cure: str = "") -> Loop:
        first = min(range(len(path)), key=lambda index: path[index])
        turned = (*path[first:], *path[:first])
        return Loop(turned, tuple(self._rules[rule_id].name for rule_id in turned), bounds, cure)

    def _within(self, knot: frozenset[str]) -> Iterator[tuple[str, str]]:
        return ((source, target) for source in knot for target in self._next[source] if target in knot)

    def _free_ways(self, source: str, target: str, knot: frozenset[str]) -> list[Way]:
        """The ways between two rules of a knot that nothing bounds."""
        key = (source, target, knot)
        if key not in self._free:
            ways = self._edges[source, target].ways
            self._free[key] = [way for way in ways if not self._bound(self._rules[source], way, knot)]
        return self._free[key]

    def _bounds(self, source: str, target: str, knot: frozenset[str]) -> list[str]:
        return [self._bound(self._rules[source], way, knot) for way in self._edges[source, target].ways]

    def _bound(self, rule: Rule, way: Way, knot: frozenset[str]) -> str:
        """Why a rule goes this way only so often; empty when nothing bounds it."""
        if way.gate:
            return f"a person decides at {way.gate}"
        if rule.once and _is_finite(rule):
            return f"{rule.name} fires once for each {_THINGS[rule.per.value]}"
        if way.action is Kind.SUBMIT and way.mode is Mode.MISSING:
            return f"{rule.name} submits only scenes that were never made"
        if bounds_attempts(rule.where) and self._uses_attempts(rule, knot):
            return f"the attempts that {rule.name} allows are used up"
        return ""

    def _uses_attempts(self, rule: Rule, knot: frozenset[str]) -> bool:
        """Whether what wakes the rule within its knot always comes of an attempt: other actions can be repeated without one."""
        key = (rule.id, knot)
        if key not in self._counted:
            ways = (way for edge in self._before[rule.id] if edge.source in knot for way in edge.ways)
            is_counted = all(EVENTS[event].subject in (Subject.CELL, Subject.STILL) for event in rule.events)
            self._counted[key] = is_counted and all(way.action in (Kind.SUBMIT, Kind.APPROVE) for way in ways)
        return self._counted[key]

    def _cure(self, rule_id: str, knot: frozenset[str]) -> str:
        rule = self._rules[rule_id]
        if self._uses_attempts(rule, knot):
            return f'Add "attempts ≤ 2" to the conditions of {rule.name}.'
        if not _is_finite(rule):
            return f"Let {rule.name} fire only once for the run."
        return f"Let {rule.name} fire only once for each {_THINGS[rule.per.value]}."


def _is_finite(rule: Rule) -> bool:
    """Whether there are only so many things that a rule can fire for: deliveries come anew."""
    return rule.per is Per.RUN or all(EVENTS[event].subject is not Subject.DELIVERY for event in rule.events)


_THINGS = {"subject": "scene or picture", "character": "character", "scene_type": "scene type", "run": "run"}


def components(nodes: Iterable[str], following: Callable[[str], Iterable[str]]) -> Iterator[list[str]]:
    """The strongly connected sets of nodes that hold a circle, each once (Tarjan's algorithm, without recursion)."""
    allowed = set(nodes)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in sorted(allowed):
        if root in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter([one for one in following(root) if one in allowed]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            child = next(rest, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    found: list[str] = []
                    while not found or found[-1] != node:
                        found.append(stack.pop())
                        on_stack.discard(found[-1])
                    if len(found) > 1 or node in following(node):
                        yield sorted(found)
            elif child not in index:
                index[child] = low[child] = len(index)
                stack.append(child)
                on_stack.add(child)
                work.append((child, iter([one for one in following(child) if one in allowed])))
            elif child in on_stack:
                low[node] = min(low[node], index[child])


def _path(start: str, end: str, following: Callable[[str], Iterable[str]], within: frozenset[str]) -> tuple[str, ...] | None:
    """A shortest way from one node to another inside a set; both ends included."""
    came_from: dict[str, str | None] = {start: None}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        if node == end:
            path = [node]
            while (before := came_from[path[-1]]) is not None:
                path.append(before)
            return tuple(reversed(path))
        for child in following(node):
            if child in within and child not in came_from:
                came_from[child] = node
                queue.append(child)
    return None
