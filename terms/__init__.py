"""The words in which server, trainer and report tell of sweeps and runs, each spelled here alone. Pure."""
