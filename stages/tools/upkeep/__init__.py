"""Commands that check the setup, and clean up after earlier runs."""
