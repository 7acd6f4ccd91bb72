"""Tells somebody outside, by NOTIFY_URL, of the ends of sweeps and of alerts."""
