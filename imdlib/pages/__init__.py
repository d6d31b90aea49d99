"""From score rows to what a person reads: tables, figures, claims, one page."""
