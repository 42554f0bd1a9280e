"""Many pages at once: a ledger that loses none, workers with limits, and the run."""
