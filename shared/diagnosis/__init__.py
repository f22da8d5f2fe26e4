"""Which mistake is it? A catalogue of broken networks, and the one whose numbers a user's network has."""
