"""The processes of a training run: started, locked, asked to stop, missed when they die."""
