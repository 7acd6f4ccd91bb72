"""Pure search: a sweep's config and results in, suggestions and stop decisions out. No I/O, no clock, no globals."""
