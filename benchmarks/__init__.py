"""Scripts that print figures, as ratios in one run."""
