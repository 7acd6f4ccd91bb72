"""The page on which a run, sweep or project is renamed, described, moved and deleted."""
