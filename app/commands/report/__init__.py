"""A sweep's report: what is read of it, on a terminal, as a page, as CSV and JSON."""
