"""What runs a sweep: the trainer, and the programs that register sweeps, run agents and report results."""
