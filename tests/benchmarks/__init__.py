"""What the plug-in costs, as ratios measured in one run."""
