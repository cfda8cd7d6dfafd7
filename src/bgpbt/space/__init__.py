"""Search spaces: any ConfigSpace, as arrays in the unit cube and back."""
