"""A version beside the next: registrations, arguments and policies of the one under the other."""
