"""A sweep's report as files: what is read of it, the page, CSV and JSON."""
