"""What is secret: in options, in the environment, and in a text."""
