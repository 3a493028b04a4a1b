"""The routes of members: people of the organization, and invitations."""
