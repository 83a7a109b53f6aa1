"""What is put into a question: the values of variables, and the last error."""
