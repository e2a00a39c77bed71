"""What the stages compute with; nothing in it knows of DVC or of a stage."""
