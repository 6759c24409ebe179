"""A trained model as a service: HTTP and a viewer in the browser."""
