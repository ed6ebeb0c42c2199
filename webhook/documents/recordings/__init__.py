"""What tools write down of the system calls that a program makes → which features it uses. Pure."""
