"""The list of a project's artifacts."""
