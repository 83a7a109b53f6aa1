"""Files of a question: what is given, what is read of it, and what is sent. `attach` puts it together."""
