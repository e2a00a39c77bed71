"""The processes of a training run: start, requests to stop, detection of dead ones."""
