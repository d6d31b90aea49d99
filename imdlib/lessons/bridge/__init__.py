"""Toys of the student's path: small worlds in which one part of Bridging can be watched at work, run by the study's code.

Files are in the order of the notebooks: discrepancy_plane (1), adversary (2), and those of the notebooks after them.
"""
