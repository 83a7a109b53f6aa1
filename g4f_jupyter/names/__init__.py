"""Names that people write and choose from: aliases, models, and whatever Tab can complete."""
