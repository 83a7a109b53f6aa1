"""Chat in a cell: `%load_ext g4f_jupyter`, `%%chat`."""
