"""Recipes: named changes of params.yaml. Each is tried as an experiment."""
