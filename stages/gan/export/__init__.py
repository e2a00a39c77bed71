"""Trained networks as ONNX and MindIR files, and the card that says what they are."""
