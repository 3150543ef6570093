"""The version of this package, read by the build and by `neurograph.__version__`."""

__version__ = "0.1.0"
