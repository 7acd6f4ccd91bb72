"""Pure charts: numbers in, SVG and HTML out, for the server's pages and the report alike."""
