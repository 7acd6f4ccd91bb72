"""Two sweeps side by side, each as its own page shows it."""
