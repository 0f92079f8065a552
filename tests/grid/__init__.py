"""The grid of slots and classes: printed, no hole without a reason, each cell proved by faults made for it."""
