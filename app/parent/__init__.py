"""What the thin parent of a trial knows; the standard library alone, since every trial starts it."""
