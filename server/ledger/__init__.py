"""Every change of state, one transaction each. The caller opens the transaction; time and new ids come in."""
