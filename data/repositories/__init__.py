"""One repository an aggregate; they take and return domain values, rows never leave."""
