"""Recipes: named changes of params.yaml, tried as an experiment each."""
