"""What a person sees: an answer as it comes, and tables, histories and previews."""
