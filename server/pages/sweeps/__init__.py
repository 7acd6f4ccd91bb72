"""The list of sweeps, of one project or of all."""
