"""The moving parts: loops over the services."""
