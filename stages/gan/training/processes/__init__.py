"""The processes of a training run: start, locks, requests to stop, detection of dead ones."""
