"""The commands of `python -m app`, around the real `wandb`, and what they read back from any backend."""
