"""What a person does with clips: prove them, and see a day of them."""
