"""From synthetic footage to a model bundle: data, train, compress, export, evaluate, bundle."""
