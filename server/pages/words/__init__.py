"""What all pages say alike: states, times, values, addresses."""
