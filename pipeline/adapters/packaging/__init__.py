"""Sealed delivery packages: made by the stage `delivery`, checked again by anyone."""
