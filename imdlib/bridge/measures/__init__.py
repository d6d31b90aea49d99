"""Measures: numbers made of the score rows of finished runs, and the predictors that every number stands beside."""
