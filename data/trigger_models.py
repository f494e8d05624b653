"""The tables of triggers: rules and their versions, what became of events, what fired and was done, and messages to send."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from data.column_types import Json, UtcTime
from data.tables import key, metadata, only, ref

triggers = Table(
    "triggers",
    metadata,
    key(),
    ref("project_id", "projects", nullable=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("enabled", Boolean, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("deleted_at", UtcTime),
    Index("ix_triggers_project", "project_id", "name"),
)
"""A rule by name. Without a project it is everywhere. It hears events above `from_seq`; `version` is the newest one."""

trigger_versions = Table(
    "trigger_versions",
    metadata,
    key(),
    ref("trigger_id", "triggers"),
    Column("version", Integer, nullable=False),
    Column("spec", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("approved_at", UtcTime),
    Column("approved_by", Text, nullable=False, server_default=""),
    UniqueConstraint("trigger_id", "version"),
)
"""What a rule says, as it was saved; a version never changes."""

trigger_verdicts = Table(
    "trigger_verdicts",
    metadata,
    key(),
    Column("event_seq", BigInteger, nullable=False),
    Column("trigger_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("run_id", BigInteger),
    Column("subject", String(8), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("outcome", String(24), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("deciding", Text, nullable=False, server_default=""),
    Index("ix_trigger_verdicts_event", "event_seq"),
    Index("ix_trigger_verdicts_trigger", "trigger_id", "id"),
    Index("ix_trigger_verdicts_subject", "subject", "subject_id", "id"),
)
"""What became of a rule for an event, and why. The oldest are removed."""

trigger_firings = Table(
    "trigger_firings",
    metadata,
    key(),
    Column("event_seq", BigInteger, nullable=False),
    ref("trigger_id", "triggers"),
    Column("version", Integer, nullable=False),
    Column("run_id", BigInteger),
    Column("root", BigInteger, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("branch", String(8), nullable=False),
    Column("things", Json, nullable=False),
    Column("events", Json, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("jobs", Integer, nullable=False),
    Column("gpu_seconds", Float, nullable=False),
    UniqueConstraint("event_seq", "trigger_id", "version"),
    Index("ix_trigger_firings_root", "root"),
    Index("ix_trigger_firings_trigger", "trigger_id", "id"),
)
"""A rule that fired: once for an event and a version. `events` are those that were gathered."""

trigger_things = Table(
    "trigger_things",
    metadata,
    key(),
    Column("trigger_id", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("firing_id", BigInteger, nullable=False),
    Index("ix_trigger_things_thing", "trigger_id", "kind", "name"),
)
"""What each firing fired for, one row a thing: a rule that fires once for a thing is found to have done so by this."""

trigger_effects = Table(
    "trigger_effects",
    metadata,
    key(),
    ref("firing_id", "trigger_firings"),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("names", Json, nullable=False),
    Column("result", Json, nullable=False),
    UniqueConstraint("firing_id", "number"),
    Index("ix_trigger_effects_waiting", "id", **only("state = 'waiting'")),
)
"""One action of a firing and what came of it: `done`, `refused`, `failed`, or `waiting` for files that are being made."""

trigger_waits = Table(
    "trigger_waits",
    metadata,
    key(),
    ref("trigger_id", "triggers"),
    Column("version", Integer, nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    Column("run_id", BigInteger),
    Column("due_at", UtcTime, nullable=False),
    Index("ix_trigger_waits_due", "due_at"),
)
"""Events that a rule gathers before it fires."""

trigger_state = Table(
    "trigger_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("edition", BigInteger, nullable=False),
    Column("halted", Text, nullable=False, server_default=""),
)
"""One row: the newest event that rules have seen, a number that grows with each change of a rule, and why rules are halted."""

trigger_halts = Table(
    "trigger_halts",
    metadata,
    key(),
    Column("at", UtcTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("receipt", Json, nullable=False),
    Column("resumed_at", UtcTime),
    Column("resumed_by", Text, nullable=False, server_default=""),
)
"""Every halt, with what was stopped."""

chain_marks = Table(
    "chain_marks",
    metadata,
    key(),
    Column("subject", String(8), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("root", BigInteger, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("firing_id", BigInteger),
    Index("ix_chain_marks_subject", "subject", "subject_id", "from_seq"),
)
"""From which event on what happens to a scene, picture or delivery belongs to which chain; depth 0 ends one."""

event_chains = Table(
    "event_chains",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("root", BigInteger, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("firing_id", BigInteger),
    Index("ix_event_chains_firing", "firing_id"),
)
"""The chain of each event that a firing led to. An event that is not here begins a chain of its own."""

messages = Table(
    "messages",
    metadata,
    key(),
    Column("firing_id", BigInteger),
    Column("effect_number", Integer),
    Column("run_id", BigInteger),
    Column("kind", String(16), nullable=False),
    Column("target", Text, nullable=False),
    Column("payload", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("last_error", Text, nullable=False, server_default=""),
    UniqueConstraint("firing_id", "effect_number"),
    Index("ix_messages_due", "due_at", **only("state in ('waiting', 'failed')")),
)
"""What leaves the house: `kind` in_app, apprise or webhook; `state` waiting, sent, failed (tried again when due) or dead."""
