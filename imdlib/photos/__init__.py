"""Any photo through a finished run."""
