"""What tables of runs share: the fields that runs have, what is asked of them, and the columns that show them."""
