"""Toys of the student's path: small worlds in which one part of NCL can be watched at work, run by the study's code.

A module is named after its notebook; `_tasks` holds the exercises.
"""
