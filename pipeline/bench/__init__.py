"""Benchmarks: each module measures one thing on this machine and answers with figures (see docs/benchmarks.md)."""
