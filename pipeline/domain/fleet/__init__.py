"""A fleet of unequal GPU workers: who does what next and why, when it will all be done, how fast and how well each one is.

Pure: times are seconds since an epoch of the caller's choice (`_s`), so the live engine, the simulator and the tests ask the
same functions.
"""
