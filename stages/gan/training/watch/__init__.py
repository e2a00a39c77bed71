"""What is seen of a run while it trains, and the verdict on it."""
