"""Pictures of creators and videos, which the server fetches, keeps and passes on."""
