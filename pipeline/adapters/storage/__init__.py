"""The content-addressed store of media files, and the workspaces from which attempts publish into it."""
