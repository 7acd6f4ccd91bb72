"""SQLite: one file, one writer, many readers. The only place that says SQL."""
