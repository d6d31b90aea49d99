"""Toys of the student's path: small worlds in which one part of NCL can be watched at work, run by the study's code.

One file per notebook: picture (1), strip (2), circle (3), weights (4).
"""
