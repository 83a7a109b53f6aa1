"""What things cost: run by hand, never asserted."""
