"""Media that runs log: images, tables, histograms, plots and other files, for every page that has runs."""
