"""Hypothesis for these tests: the same examples in each run, and none too slow on a busy machine."""

from hypothesis import settings

settings.register_profile("search", deadline=None, derandomize=True, database=None)
settings.load_profile("search")
