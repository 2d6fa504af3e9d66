"""`AutoMAX`, the object that a user holds."""
