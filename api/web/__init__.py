"""The pages: what people look at, made of the API's own answers."""
