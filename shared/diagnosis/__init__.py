"""Which mistake is it? A catalogue of wrong networks, and the one whose numbers a user's network has."""
