"""The console of a run, all of it."""
