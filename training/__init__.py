"""From made-up footage to a model bundle: data, train, compress, export, evaluate, bundle."""
