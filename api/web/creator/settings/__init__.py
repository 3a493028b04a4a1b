"""The page of a creator's settings: fields, moving, and erasing."""
