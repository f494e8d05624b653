"""Makes the Python environment that Stripboard runs in. Standard library only; nothing of the program imports it."""
