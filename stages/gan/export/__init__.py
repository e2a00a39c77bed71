"""Export: trained networks as ONNX and MindIR files, and their model card."""
