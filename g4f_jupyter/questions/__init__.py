"""What stands in a question besides its words: the values of variables, and images."""
