"""The backend ``simulation``: the nodes of a cluster in virtual time, in the caller's thread."""
