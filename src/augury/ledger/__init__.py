"""What happened, and what was decided? The only room that knows SQL tables of augury's own."""
