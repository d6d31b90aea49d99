"""imdlib: the models, losses, metrics and data behind the notebooks. Imports go one way: notebooks, studies, shared rooms."""
