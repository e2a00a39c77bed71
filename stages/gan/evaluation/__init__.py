"""How good a generator is: by a judge's measures, and by a critic that must tell it apart."""
