"""Readers: one data set each, from its folder as published to the rows of a manifest."""
