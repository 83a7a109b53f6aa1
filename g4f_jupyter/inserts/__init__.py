"""What is put into a question: values of variables, the last error, images. `question` puts it together."""
