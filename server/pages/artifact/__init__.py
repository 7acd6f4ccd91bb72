"""The page of one version of an artifact."""
