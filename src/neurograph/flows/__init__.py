"""What needs several stores at once, and the sources such flows read from."""
