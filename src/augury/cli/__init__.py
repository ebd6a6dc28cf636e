"""The terminal: a front door that enters through `augury.project` and shows what comes back."""
