"""One module per user intent; the only place that opens a transaction."""
