"""Tables as people have them: read, taken apart by the roles of their columns, labelled, split and encoded."""
