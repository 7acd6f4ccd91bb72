"""The embedded sweep server: W&B's protocol in front, one SQLite file behind."""
