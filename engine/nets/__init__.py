"""Neural building blocks, written from the papers and tested against torch's own."""
