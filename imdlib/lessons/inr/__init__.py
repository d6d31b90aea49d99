"""Toys of the student's path: small worlds in which one part of INR can be watched at work, run by the study's code.

One file per notebook: redraw (1), cells (2), plane (3), pools (4), teacher (5).
"""
