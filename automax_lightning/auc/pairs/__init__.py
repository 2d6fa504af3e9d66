"""The catalogue of losses, with the optimizers that belong to them."""
