"""Is every byte as dvc.lock has it, and if not, what repairs it?"""
