"""From maps and labels to numbers: metrics, intervals, protocols, predictors that look at no image."""
