"""`goatherd channels`: services that get messages about alerts, and their tests."""
