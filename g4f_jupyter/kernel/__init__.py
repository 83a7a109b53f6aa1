"""What the extension adds to a shell and its event loop."""
