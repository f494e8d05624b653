"""What the hardware of this machine says of itself, and how a machine tells it to a server."""
