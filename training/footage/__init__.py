"""A user's own footage: what training needs of clips and pictures, whoever reads them."""
