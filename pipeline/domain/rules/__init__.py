"""Triggers: when EVENT on SCOPE and CONDITION, do ACTIONS. Pure, so that firing, dry run, replay and simulation are one engine.

`model` has the rule, `vocabulary` the words it may use, `reading` and `writing` its form in files; `planning` decides what an
event sets in motion, `chains` what follows from that, `loops` whether it can ever run in a circle.
"""
