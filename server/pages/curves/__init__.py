"""Curves of any metric: which a page shows, what is read for them, how they are drawn."""
