"""Some chosen runs beside one another, for every page that has runs."""
