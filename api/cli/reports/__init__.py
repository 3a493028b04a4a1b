"""`goatherd reports`: reports are listed, made and sent, and their issues listed."""
