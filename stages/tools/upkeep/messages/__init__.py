"""The catalogues of translations: messages are collected from the sources, checked and compiled."""
