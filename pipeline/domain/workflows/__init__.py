"""Workflows of ComfyUI: graphs in API format, the slots that values go into, and what a server needs to run them."""
