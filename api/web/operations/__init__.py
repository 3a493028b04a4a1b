"""The pages for operators of the installation."""
