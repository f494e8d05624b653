"""What the cards of workers say of themselves: readings, the limits they are judged by, and how long they are kept."""
