"""LibAUC's losses and optimizers as well-behaved torch objects; the only package that touches LibAUC."""
