"""A sweep's config as it was stored, read once for all pages."""

from functools import lru_cache

from search.config import ConfigError, SweepConfig, parse


@lru_cache(maxsize=256)
def parsed(config: str) -> SweepConfig | None:
    """None for what only an older version of this server has taken."""
    try:
        return parse(config)
    except ConfigError:
        return None
